package main_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// announcing is a site with a key file and a feed, and the hub that the feed names.
type announcing struct {
	t    *testing.T
	site string
	subs chan url.Values // what the hub was asked
}

const siteKey = "a1b2c3d4e5f6"

func newAnnouncing(t *testing.T) *announcing {
	a := &announcing{t: t, subs: make(chan url.Values, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+siteKey+".txt", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, siteKey) })
	mux.HandleFunc("GET /feed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `</hub>; rel="hub"`)
	})
	mux.HandleFunc("POST /hub", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.WriteHeader(http.StatusAccepted)
		a.subs <- r.PostForm
	})
	a.site = testsite.Serve(t, mux).URL(0, "")
	return a
}

// ask sends a request to the dashboard and returns the answer.
func ask(t *testing.T, method, to, body string, header ...string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(testfleet.Soon(t), method, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

// announcedTo returns a fleet with a paused job that takes signals of a site, and its dashboard. Its own
// seed is not admitted, because there is no scheduler.
func announcedTo(t *testing.T, a *announcing) (ft *fleetTest, job, dashboard string) {
	t.Helper()
	ft = newFleetTest(t)
	j := crawler.DefaultJob()
	j.Name, j.Seeds = redistest.Name(t), []string{a.site + "/"}
	j.IndexNow, j.WebSub = true, []string{a.site + "/feed"}
	j.IgnoreRobots = true // no worker asks for it here
	ft.Create(j)
	ft.run("job", "pause", j.Name).exits(done)
	_, dashboard = ft.Dashboard("--public-url", "http://public.example/", "--signal-cidr", "127.0.0.0/8", "--token",
		"secret")
	return ft, j.Name, dashboard
}

func TestASiteSubmitsPagesByIndexNow(t *testing.T) {
	t.Parallel()
	a := newAnnouncing(t)
	ft, job, dashboard := announcedTo(t, a)
	to := dashboard + "/indexnow/" + job
	query := "?key=" + siteKey + "&url=" + url.QueryEscape(a.site+"/new")
	if status, text := ask(t, http.MethodGet, to+query, ""); status != 200 {
		t.Errorf("a submission by GET gets %d %s", status, text)
	}
	body := fmt.Sprintf(`{"host": %q, "key": %q, "urlList": [%q, %q]}`, strings.TrimPrefix(a.site, "http://"), siteKey,
		a.site+"/new", a.site+"/other")
	if status, text := ask(t, http.MethodPost, to, body); status != 200 {
		t.Errorf("a submission by POST gets %d %s", status, text)
	}
	ft.waitForSeen(job, 2)
	for says, query := range map[string]string{
		"status 404":       "?key=wrong-key-1&url=" + url.QueryEscape(a.site+"/bad"),
		"not in the scope": "?key=" + siteKey + "&url=" + url.QueryEscape("http://127.0.0.1:1/bad"),
	} {
		if status, text := ask(t, http.MethodGet, to+query, ""); status/100 != 4 || !strings.Contains(text, says) {
			t.Errorf("%s gets %d %s", query, status, text)
		}
	}
	if status, _ := ask(t, http.MethodGet, dashboard+"/api/v1/jobs", ""); status != http.StatusUnauthorized {
		t.Errorf("without the token, the API answers %d", status)
	}
	ft.waitForSeen(job, 2)
}

func TestAHubTellsWhatIsNewInAFeed(t *testing.T) {
	t.Parallel()
	a := newAnnouncing(t)
	ft, job, dashboard := announcedTo(t, a)
	form := <-a.subs
	callback := strings.Replace(form.Get("hub.callback"), "http://public.example", dashboard, 1)
	if form.Get("hub.topic") != a.site+"/feed" || callback == form.Get("hub.callback") {
		t.Fatalf("the hub is asked for %v", form)
	}
	verify := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {form.Get("hub.topic")}, "hub.challenge": {"c"}}
	if status, text := ask(t, http.MethodGet, callback+"?"+verify.Encode(), ""); status != 200 || text != "c" {
		t.Errorf("the verification gets %d %q", status, text)
	}
	feed := `<feed><entry><link href="` + a.site + `/new"/></entry><entry><link href="http://other.example/"/></entry>`
	sum := hmac.New(sha256.New, []byte(form.Get("hub.secret")))
	io.WriteString(sum, feed)
	status, _ := ask(t, http.MethodPost, callback, feed, "X-Hub-Signature", "sha256=00")
	if status != http.StatusAccepted {
		t.Errorf("a forged delivery gets %d", status)
	}
	ft.waitForSeen(job, 0)
	if status, _ := ask(t, http.MethodPost, callback, feed, "X-Hub-Signature",
		"sha256="+hex.EncodeToString(sum.Sum(nil))); status != http.StatusAccepted {
		t.Errorf("the delivery gets %d", status)
	}
	ft.waitForSeen(job, 1)
}

func TestWhatOtherSitesSayIsClosedByDefault(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	_, dashboard := ft.Dashboard()
	to := dashboard + "/indexnow/news?key=" + siteKey + "&url=http://a.example/"
	if status, _ := ask(t, http.MethodGet, to, ""); status != 404 {
		t.Errorf("without --public-url, a submission gets %d", status)
	}
	ft.run("dashboard", "--public-url", "trawl.example.com").exits(usage, "public-url", "https://trawl.example.com/")
	ft.run("dashboard", "--public-url", "https://trawl.example.com", "--read-only").exits(usage, "read-only")
	ft.run("dashboard", "--signal-cidr", "10.0.0.0/80").exits(usage, "signal-cidr")
}
