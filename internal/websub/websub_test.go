package websub

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func mustParse(t testing.TB, text string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// hub is a hub of WebSub, which verifies a subscription when it is told to.
type hub struct {
	t      *testing.T
	server *httptest.Server

	mu     sync.Mutex
	asked  []url.Values
	status int // of its answers
}

func newHub(t *testing.T) *hub {
	h := &hub{t: t, status: http.StatusAccepted}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked = append(h.asked, r.PostForm)
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.server.Close)
	return h
}

// last returns how often the hub was asked, and the last request.
func (h *hub) last() (n int, form url.Values) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.asked) == 0 {
		h.t.Fatal("the hub was not asked")
	}
	return len(h.asked), h.asked[len(h.asked)-1]
}

// fixture is a subscriber of one topic, and what it is surrounded by.
type fixture struct {
	t      *testing.T
	hub    *hub
	sub    *Subscriber
	topics []Topic
	now    time.Time
	body   string // of the topic
	status int
	header http.Header
	told   []string
	broken error
	early  bool // it is too early to fetch the topic
}

const feedURL = "http://example.com/feed"

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, hub: newHub(t), now: time.Unix(1_700_000_000, 0), status: http.StatusOK, header: http.Header{}}
	f.topics = []Topic{{Job: "news", Created: f.now, URL: mustParse(t, feedURL)}}
	f.body = fmt.Sprintf(`<feed xmlns="http://www.w3.org/2005/Atom"><link rel="hub" href="%s"/><link rel="self" href="http://example.com/feed.atom"/></feed>`,
		f.hub.server.URL)
	f.sub = New(Config{
		Callback: "https://crawler.example/websub/", Key: []byte("0123456789abcdef"),
		Topics: func(context.Context) ([]Topic, error) { return f.topics, nil },
		Fetch: func(_ context.Context, topic Topic) (int, http.Header, []byte, error) {
			switch {
			case topic != f.topics[0]:
				t.Errorf("the topic %v is fetched", topic)
			case f.early:
				return 0, nil, nil, fmt.Errorf("robots.txt: %w", ErrNotYet)
			case f.status == 0:
				return 0, nil, nil, errors.New("connection refused")
			}
			return f.status, f.header, []byte(f.body), nil
		},
		Client: f.hub.server.Client(),
		Changed: func(_ context.Context, job string, urls []crawler.URL) error {
			for _, u := range urls {
				f.told = append(f.told, job+" "+u.String())
			}
			return f.broken
		},
		Now: func() time.Time { return f.now },
	})
	return f
}

func (f *fixture) look() {
	f.t.Helper()
	if err := f.sub.look(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// call sends a request to the callback with a path.
func (f *fixture) call(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.sub.ServeHTTP(w, r)
	return w
}

// verify lets the hub verify what it was asked for.
func (f *fixture) verify(form url.Values, changes ...string) *httptest.ResponseRecorder {
	query := url.Values{"hub.mode": {"subscribe"}, "hub.topic": form["hub.topic"], "hub.challenge": {"prove it"},
		"hub.lease_seconds": {"86400"}}
	for i := 0; i < len(changes); i += 2 {
		query.Set(changes[i], changes[i+1])
	}
	return f.call(http.MethodGet, form.Get("hub.callback")+"?"+query.Encode(), "")
}

// subscribed returns a fixture with a subscription that was verified, and what the hub was asked.
func subscribed(t *testing.T) (*fixture, url.Values) {
	t.Helper()
	f := newFixture(t)
	f.look()
	_, form := f.hub.last()
	if got := f.verify(form); got.Code != http.StatusOK || got.Body.String() != "prove it" {
		t.Fatalf("the hub gets %d %q", got.Code, got.Body)
	}
	return f, form
}

// sign returns the signature of a body, as a hub makes it.
func sign(form url.Values, body string) string {
	sum := hmac.New(sha256.New, []byte(form.Get("hub.secret")))
	io.WriteString(sum, body)
	return "sha256=" + hex.EncodeToString(sum.Sum(nil))
}

func TestATopicIsSubscribedToAndRenewed(t *testing.T) {
	t.Parallel()
	f, form := subscribed(t)
	if form.Get("hub.mode") != "subscribe" || form.Get("hub.topic") != "http://example.com/feed.atom" ||
		form.Get("hub.lease_seconds") != "864000" || len(form.Get("hub.secret")) < 32 ||
		!strings.HasPrefix(form.Get("hub.callback"), "https://crawler.example/websub/") {
		t.Errorf("the hub is asked for %v", form)
	}
	f.now = f.now.Add(18 * time.Hour)
	f.look()
	if n, _ := f.hub.last(); n != 1 {
		t.Errorf("a lease of a day is renewed after 18 hours")
	}
	f.now = f.now.Add(2 * time.Hour)
	f.look()
	n, again := f.hub.last()
	if n != 2 || again.Get("hub.callback") != form.Get("hub.callback") {
		t.Errorf("after 20 hours, the hub was asked %d times, the last time for %v", n, again)
	}
	if got := f.verify(again); got.Code != http.StatusOK {
		t.Errorf("the renewal is answered with %d", got.Code)
	}
	other := newFixture(t) // another process of the fleet knows the callback as well
	other.look()
	if got := other.verify(form); got.Code != http.StatusOK {
		t.Errorf("another process answers the verification with %d", got.Code)
	}
}

func TestWhatAHubDeliversIsPassedOn(t *testing.T) {
	t.Parallel()
	f, form := subscribed(t)
	feed := func(entries ...string) string {
		var b strings.Builder
		b.WriteString("<feed>")
		for _, e := range entries {
			path, at, _ := strings.Cut(e, " ")
			fmt.Fprintf(&b, `<entry><link href="%s"/><updated>%s</updated></entry>`, path, at)
		}
		return b.String() + "</feed>"
	}
	for _, c := range []struct {
		body string
		want []string
	}{
		{feed("/a 2026-01-01", "/b 2026-01-02"), []string{"/a", "/b"}},
		{feed("/a 2026-01-01", "/b 2026-01-02"), nil}, // delivered twice
		{feed("/c 2026-01-03", "/a 2026-01-04", "/b 2026-01-02"), []string{"/c", "/a"}},
		{"<html><body>a page</body></html>", []string{"/feed"}},
		{"<rss><channel><item><link>/d</link></item>", []string{"/d"}}, // broken
	} {
		f.told = nil
		got := f.call(http.MethodPost, form.Get("hub.callback"), c.body, "X-Hub-Signature", sign(form, c.body))
		var want []string
		for _, path := range c.want {
			want = append(want, "news http://example.com"+path)
		}
		if diff := cmp.Diff(want, f.told); diff != "" || got.Code != http.StatusAccepted {
			t.Errorf("%s: %d, and the job is told (-want +got):\n%s", c.body, got.Code, diff)
		}
		f.now = f.now.Add(time.Second)
	}
	f.broken = errors.New("redis is away")
	body := feed("/e 2026-01-05")
	deliver := func() int {
		return f.call(http.MethodPost, form.Get("hub.callback"), body, "X-Hub-Signature", sign(form, body)).Code
	}
	if got := deliver(); got != http.StatusServiceUnavailable {
		t.Errorf("a delivery that cannot be passed on is answered with %d", got)
	}
	f.broken, f.told = nil, nil
	if got := deliver(); got != http.StatusAccepted || !slices.Equal(f.told, []string{"news http://example.com/e"}) {
		t.Errorf("delivered again, it is answered with %d, and the job is told %q", got, f.told)
	}
}

func TestForgedDeliveriesAreIgnored(t *testing.T) {
	t.Parallel()
	f, form := subscribed(t)
	body := "<feed><entry><link href='/a'/></entry></feed>"
	right := sign(form, body)
	for name, signature := range map[string]string{
		"none": "", "of another body": sign(form, body+" "), "of another secret": sign(url.Values{}, body),
		"cut": right[:len(right)-2], "not hexadecimal": "sha256=xyz", "an unknown method": "md5=" + right[len("sha256="):],
		"another method": "sha512=" + right[len("sha256="):], "without a method": right[len("sha256="):],
	} {
		got := f.call(http.MethodPost, form.Get("hub.callback"), body, "X-Hub-Signature", signature)
		if got.Code != http.StatusAccepted || len(f.told) > 0 {
			t.Errorf("signature %s: %d, and the job is told %q", name, got.Code, f.told)
		}
		f.now = f.now.Add(time.Second)
	}
	large := strings.Repeat(" ", maxDelivery+1)
	if got := f.call(http.MethodPost, form.Get("hub.callback"), large, "X-Hub-Signature",
		sign(form, large)); got.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge delivery is answered with %d", got.Code)
	}
	f.now = f.now.Add(time.Second)
	codes := make(map[int]int)
	for range 100 {
		codes[f.call(http.MethodPost, form.Get("hub.callback"), body, "X-Hub-Signature", right).Code]++
	}
	if codes[http.StatusTooManyRequests] != 100-maxDeliveries {
		t.Errorf("a flood is answered with %v", codes)
	}
}

func TestForgedVerificationsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.look()
	_, form := f.hub.last()
	for name, got := range map[string]*httptest.ResponseRecorder{
		"another topic": f.verify(form, "hub.topic", "http://example.org/"),
		"no challenge":  f.verify(form, "hub.challenge", ""),
		"the end of it": f.verify(form, "hub.mode", "unsubscribe"),
		"no mode":       f.verify(form, "hub.mode", ""),
		"a path that is guessed": f.call(http.MethodGet,
			"/websub/"+strings.Repeat("0", 40)+"?hub.mode=subscribe&hub.challenge=x", ""),
	} {
		if got.Code != http.StatusNotFound || strings.Contains(got.Body.String(), "prove it") {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	script := f.verify(form, "hub.challenge", "<script>alert(1)</script>")
	if kind := script.Header().Get("Content-Type"); script.Code != http.StatusOK || kind != "text/plain; charset=utf-8" {
		t.Errorf("a challenge with markup is answered with %d as %q", script.Code, kind)
	}
	f.topics = nil // the job has ended
	f.look()
	if got := f.verify(form); got.Code != http.StatusNotFound {
		t.Errorf("after the end of the job, a verification gets %d", got.Code)
	}
	if got := f.call(http.MethodPost, form.Get("hub.callback"), "x"); got.Code != http.StatusGone {
		t.Errorf("after the end of the job, a delivery gets %d", got.Code)
	}
}

func TestASubscriptionThatFailsIsTriedAgainMoreAndMoreSeldom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*fixture)
		asks  bool // the hub is asked
	}{
		"a hub that never verifies": {func(*fixture) {}, true},
		"a hub that refuses":        {func(f *fixture) { f.hub.status = http.StatusForbidden }, true},
		"a topic without a hub":     {func(f *fixture) { f.body = "<feed/>" }, false},
		"a topic that is gone":      {func(f *fixture) { f.status = http.StatusNotFound }, false},
		"a host that is down":       {func(f *fixture) { f.status = 0 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.spoil(f)
			var tries []int // hours after the first
			last := 0
			for minute := range 16 * 60 {
				f.look()
				sub := f.sub.subs[f.sub.id(f.topics[0])]
				if sub.failures > last {
					tries, last = append(tries, minute/60), sub.failures
				}
				f.now = f.now.Add(time.Minute)
			}
			if len(tries) != 5 || tries[4] < 14 {
				t.Errorf("it failed after %v hours, want 5 failures with pauses that double", tries)
			}
			if f.hub.mu.Lock(); c.asks != (len(f.hub.asked) > 0) {
				t.Errorf("the hub was asked %d times", len(f.hub.asked))
			}
			f.hub.mu.Unlock()
		})
	}
}

func TestATopicThatIsTooEarlyIsTriedAgainAtTheNextLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.early = true
	f.look()
	f.look()
	if f.early = false; len(f.hub.asked) > 0 {
		t.Error("the hub was asked")
	}
	f.look()
	if n, _ := f.hub.last(); n != 1 {
		t.Errorf("the hub was asked %d times, want once", n)
	}
}

func TestADeniedSubscriptionIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	f, form := subscribed(t)
	if got := f.verify(form, "hub.mode", "denied", "hub.reason", "no more"); got.Code != http.StatusOK {
		t.Errorf("the hub gets %d", got.Code)
	}
	f.look()
	if n, _ := f.hub.last(); n != 1 {
		t.Error("the hub is asked again at once")
	}
	f.now = f.now.Add(time.Hour)
	f.look()
	if n, _ := f.hub.last(); n != 2 {
		t.Error("the hub is not asked again after an hour")
	}
}

func TestHubsAreFoundInHeadersAndDocuments(t *testing.T) {
	t.Parallel()
	at := mustParse(t, feedURL)
	for name, c := range map[string]struct {
		header    []string
		body      string
		hub, self string
	}{
		"headers": {[]string{`<https://hub.example/>; rel="hub", <https://example.com/f>; rel=self`}, "", "https://hub.example/",
			"https://example.com/f"},
		"headers before the document": {[]string{`<https://hub.example/>; type="x"; rel="other hub"`},
			`<link rel=hub href="https://other.example/">`, "https://hub.example/", feedURL},
		"RSS": {nil, `<rss xmlns:atom="http://www.w3.org/2005/Atom"><channel><link>http://example.com</link><atom:link rel="hub" href="/hub"/>`,
			"http://example.com/hub", feedURL},
		"HTML":        {nil, `<!doctype html><LINK REL=hub HREF=//hub.example/x>`, "http://hub.example/x", feedURL},
		"nothing":     {[]string{`broken, <; rel=hub`}, `<link rel=hub><a rel=hub href=/x>`, "", feedURL},
		"not a URL":   {[]string{`<ftp://hub.example/>; rel=hub`}, "", "", feedURL},
		"a long list": {nil, strings.Repeat("<p>", maxLooked) + `<link rel=hub href=/x>`, "", feedURL},
	} {
		got := discover(at, http.Header{"Link": c.header}, []byte(c.body))
		if got.hub.String() != c.hub || got.self.String() != c.self {
			t.Errorf("%s: the hub is %q and the topic %q, want %q and %q", name, got.hub, got.self, c.hub, c.self)
		}
	}
}
