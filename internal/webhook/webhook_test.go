package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/test/testhook"
)

// secretOf returns a secret of 32 equal bytes.
func secretOf(b byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(b)), 32)))
}

// The example of Standard Webhooks, in its libraries' tests.
func TestAMessageIsSignedAsInTheExampleOfTheSpecification(t *testing.T) {
	t.Parallel()
	const id, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`
	const written = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secret, err := ParseSecret(written)
	if err != nil {
		t.Fatal(err)
	}
	got := sign(id, time.Unix(1614265330, 0), []byte(body), []Secret{secret})
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got["webhook-signature"] != want || got["webhook-id"] != id || got["webhook-timestamp"] != "1614265330" {
		t.Errorf("got %v, want the signature %s", got, want)
	}
	if other := testhook.Signature(written, id, "1614265330", []byte(body)); other != want {
		t.Errorf("the receivers of the tests expect %s, want %s", other, want)
	}
}

func TestASecretIsNeitherPrintedNorQuoted(t *testing.T) {
	t.Parallel()
	secret, err := ParseSecret(secretOf('k'))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"%v", "%s", "%+v", "%#v"} {
		if got := fmt.Sprintf(form, secret); strings.Contains(got, "107") || strings.Contains(got, "kkk") {
			t.Errorf("%s prints %s", form, got)
		}
	}
	for _, text := range []string{"", "whsec_", "whsec_c2hvcnQ=", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "whsec_not base64",
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))} {
		if _, err := ParseSecret(text); err == nil || len(text) > 6 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("%q: got the error %v, want one that does not quote it", text, err)
		}
	}
}

func TestSecretsComeFromAFileOrElseFromTheEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rotating", secretOf('a')+"\n"+secretOf('b')+"\n")
	write("empty", "\n")
	write("wrong", "whsec_wrong\n")
	s := Secrets{Dir: dir, Lookup: func(variable string) (string, bool) {
		value, ok := map[string]string{"TRAWL_WEBHOOK_SECRET_EMPTY": secretOf('c'),
			"TRAWL_WEBHOOK_SECRET_OF_SHOP": secretOf('d') + " " + secretOf('e')}[variable]
		return value, ok
	}}
	for name, want := range map[string]int{"rotating": 2, "empty": 1, "of-shop": 2, "wrong": 0, "unknown": 0} {
		got, err := s.Find(name)
		if len(got) != want || (err == nil) != (want > 0) {
			t.Errorf("%s: got %d secrets (%v), want %d", name, len(got), err, want)
		}
		if err != nil && (!strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "whsec_wrong")) {
			t.Errorf("%s: the error is %q", name, err)
		}
	}
}

// message returns the ID and the body of an event.
func message(t *testing.T, number int64) (id string, body []byte) {
	t.Helper()
	job := crawler.Status{Job: crawler.DefaultJob(), Created: time.UnixMilli(1), Started: time.UnixMilli(2)}
	job.Job.Name = "news"
	m := NewMessage(job, event.Event{Number: number, Name: crawler.EventDone, Time: time.UnixMilli(1700000000123),
		Reason: "budget of pages"}, crawler.Counters{Seen: 7, Waiting: 2})
	body, err := m.Body()
	if err != nil {
		t.Fatal(err)
	}
	return m.ID, body
}

// local is a configuration that sends to receivers of tests.
func local() Config { return Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}} }

func TestAReceiverGetsACloudEvent(t *testing.T) {
	t.Parallel()
	r := testhook.New(t)
	id, body := message(t, 3)
	if err := NewSender(local()).Send(t.Context(), r.URL, "", id, body); err != nil {
		t.Fatal(err)
	}
	got := r.Accepted()
	if len(got) != 1 {
		t.Fatalf("accepted %v, refused %v", got, r.Refused())
	}
	e := got[0]
	if e.ID != "news-1-3" || e.Source != "/trawl/jobs/news" || e.Type != "com.github.trawlcrawler.job.done" ||
		e.Time != "2023-11-14T22:13:20.123Z" || e.Sequence != "0000000003" || e.Data["reason"] != "budget of pages" ||
		e.Data["settled"] != 5.0 || e.Data["started"] != "1970-01-01T00:00:00.002Z" || e.Data["ended"] != nil {
		t.Errorf("got %+v", e)
	}
}

func TestOnlyASuccessIsASuccess(t *testing.T) {
	t.Parallel()
	var asked []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
	}))
	defer other.Close()
	sender := NewSender(local())
	for status, want := range map[int]string{
		200: "", 202: "", 204: "", 400: "400 Bad Request", 404: "404 Not Found", 410: "410 Gone", 429: "429 Too Many",
		500: "500 Internal", 301: "301 Moved", 307: "307 Temporary",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", other.URL+"/stolen")
			w.WriteHeader(status)
		}))
		id, body := message(t, 1)
		err := sender.Send(t.Context(), server.URL+"/secret-path", "", id, body)
		server.Close()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d: got the error %v, want %q", status, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%d: the error shows the path of the receiver: %v", status, err)
		}
		if errors.Is(err, ErrGone) != (status == 410) {
			t.Errorf("%d: gone is %v", status, errors.Is(err, ErrGone))
		}
	}
	if len(asked) > 0 {
		t.Errorf("redirects were followed to %v", asked)
	}
}

func TestPrivateReceiversAreRefusedUnlessTheOperatorAllowsThem(t *testing.T) {
	t.Parallel()
	r := testhook.New(t)
	id, body := message(t, 1)
	err := NewSender(Config{}).Send(t.Context(), r.URL, "", id, body)
	if err == nil || !strings.Contains(err.Error(), "--webhook-cidr") || strings.Contains(err.Error(), "/hook") {
		t.Errorf("got the error %v, want one that names --webhook-cidr and not the path", err)
	}
	if n := len(r.Accepted()) + len(r.Refused()); n > 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestAReceiverThatDoesNotAnswerIsLeft(t *testing.T) {
	t.Parallel()
	hangs := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hangs }))
	defer server.Close()
	defer close(hangs)
	cfg := local()
	cfg.Timeout = 20 * time.Millisecond
	id, body := message(t, 1)
	if err := NewSender(cfg).Send(context.Background(), server.URL, "", id, body); err == nil {
		t.Error("it counts as a success")
	}
}

func TestAReceiverWithAWrongClockRefusesByTheTimestamp(t *testing.T) {
	t.Parallel()
	r := testhook.New(t, secretOf('a'))
	cfg := local()
	cfg.Secrets.Lookup = func(string) (string, bool) { return secretOf('a'), true }
	sender := NewSender(cfg)
	id, body := message(t, 1)
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		r.SetClock(ahead)
		if err := sender.Send(t.Context(), r.URL, "shop", id, body); err == nil {
			t.Errorf("a receiver that is %v ahead accepts the event", ahead)
		}
	}
	r.SetClock(0)
	if err := sender.Send(t.Context(), r.URL, "shop", id, body); err != nil {
		t.Error(err)
	}
	refused := r.Refused()
	other := func(why string) bool { return !strings.Contains(why, "timestamp") }
	if len(refused) != 2 || slices.ContainsFunc(refused, other) {
		t.Errorf("refused: %q", refused)
	}
}

// While a secret is replaced, both ends may have either: first the sender gets the new one besides
// the old one, then the receiver, then the old one is removed.
func TestASecretIsReplacedWithoutALostEvent(t *testing.T) {
	t.Parallel()
	r := testhook.New(t, secretOf('a'))
	cfg := local()
	cfg.Secrets.Dir = t.TempDir()
	sender := NewSender(cfg)
	hold := func(secrets ...string) {
		err := os.WriteFile(filepath.Join(cfg.Secrets.Dir, "shop"), []byte(strings.Join(secrets, "\n")), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	send := func(number int64) error {
		id, body := message(t, number)
		return sender.Send(t.Context(), r.URL, "shop", id, body)
	}
	for i, step := range []func(){
		func() { hold(secretOf('a')) },
		func() { hold(secretOf('b'), secretOf('a')) },
		func() { r.Trust(secretOf('b')) },
		func() { hold(secretOf('b')) },
	} {
		step()
		if err := send(int64(i + 1)); err != nil {
			t.Errorf("step %d: %v", i+1, err)
		}
	}
	r.Trust(secretOf('c'))
	if err := send(9); err == nil {
		t.Error("a receiver with another secret accepts the event")
	}
	if err := NewSender(local()).Send(t.Context(), r.URL, "shop", "id", []byte("{}")); err == nil {
		t.Error("an event is sent without the secret that its webhook names")
	}
}

func TestPausesGrowAndEnd(t *testing.T) {
	t.Parallel()
	s := NewSender(Config{})
	var sum time.Duration
	for failed := 1; failed < s.Tries(); failed++ {
		pause := s.Pause(failed)
		if failed > 1 && pause <= s.Pause(failed-1) {
			t.Errorf("the pause after %d failures is %v, want more than the one before", failed, pause)
		}
		sum += pause
	}
	if s.Tries() != 10 || sum < 72*time.Hour || sum > 96*time.Hour || s.Pause(100) != 24*time.Hour ||
		s.Pause(0) != s.Pause(1) {
		t.Errorf("%d tries in %v", s.Tries(), sum)
	}
}
