package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// sorrySite serves pages that fail in three ways: with 500, with 404, and by closing the
// connection, until it is mended. A root page links to all.
type sorrySite struct {
	*testsite.Site
	broken []string
}

func serveSorry(t testing.TB) *sorrySite {
	s := &sorrySite{broken: []string{"/500/a", "/500/b", "/404/a", "/404/b", "/reset/a"}}
	s.Site = testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for _, path := range s.broken {
			fmt.Fprintf(w, "<a href=%q>x</a>", path)
		}
	}))
	for _, path := range s.broken {
		s.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasPrefix(r.URL.Path, "/500"):
				w.WriteHeader(http.StatusInternalServerError)
			case strings.HasPrefix(r.URL.Path, "/404"):
				w.WriteHeader(http.StatusNotFound)
			default:
				panic(http.ErrAbortHandler)
			}
		}))
	}
	return s
}

// requests returns how often each of the pages that fail was requested.
func (s *sorrySite) requests() map[string]int {
	n := make(map[string]int)
	for _, path := range s.broken {
		n[path] = s.Count(path)
	}
	return n
}

// call sends a request to the API of a dashboard and decodes the response.
func call(t testing.TB, method, address string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(testfleet.Soon(t), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s responds with %d: %s, %v", method, address, response.StatusCode, text, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func TestURLsThatFailedForOneReasonAreFetchedAgainAndNoOthers(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	_, dash := ft.Dashboard()
	site := serveSorry(t)
	job := crawler.DefaultJob()
	job.Name, job.Delay, job.Retries, job.Seeds = "sorry", 0, 0, []string{site.URL(0, "/")}
	ft.Create(job)
	ft.Done("sorry")
	before := site.requests()
	var report struct {
		Causes []struct {
			Cause      string
			URLs       int64
			Remembered int
		}
	}
	call(t, http.MethodGet, dash+"/api/v1/jobs/sorry/errors", &report)
	got := make(map[string]int)
	for _, c := range report.Causes {
		got[c.Cause] = c.Remembered
	}
	if len(got) != 3 || got["HTTP 500"] != 2 || got["HTTP 404"] != 2 {
		t.Fatalf("URLs that are remembered, by cause: %v", got)
	}
	counters := ft.Done("sorry")

	var retried struct{ URLs int }
	call(t, http.MethodPost, dash+"/api/v1/jobs/sorry/retry?cause=500", &retried)
	if retried.URLs != 2 {
		t.Errorf("%d URLs are queued again, want 2", retried.URLs)
	}
	ft.waitUntil("the two URLs were requested again and the job is done", func(ctx context.Context) bool {
		status, err := ft.Client.Status(ctx, "sorry")
		return err == nil && status.State == crawler.StateDone && site.Count("/500/a") > before["/500/a"] &&
			site.Count("/500/b") > before["/500/b"]
	})
	for path, n := range site.requests() {
		if want := before[path] + map[bool]int{true: 1}[strings.HasPrefix(path, "/500")]; n != want {
			t.Errorf("%s was requested %d times, want %d", path, n, want)
		}
	}
	after := ft.Done("sorry")
	if after.Settled() != counters.Settled() || after.Failed() != counters.Failed() || after.Causes["500"] != 2 ||
		after.Seen != counters.Seen {
		t.Errorf("the counters are %+v, and were %+v", after, counters)
	}

	var hosts struct {
		Hosts []struct {
			P50 int64 `json:"p50_ms"`
			P95 int64 `json:"p95_ms"`
		}
	}
	call(t, http.MethodGet, dash+"/api/v1/jobs/sorry/hosts?host="+site.Hosts()[0], &hosts)
	if len(hosts.Hosts) != 1 || hosts.Hosts[0].P50 < 1 || hosts.Hosts[0].P95 < hosts.Hosts[0].P50 {
		t.Errorf("the response times of the host are %+v", hosts.Hosts)
	}
	var pages struct{ Depths, Statuses []struct{ From, URLs int64 } }
	ft.waitUntil("all pages are counted", func(context.Context) bool {
		call(t, http.MethodGet, dash+"/api/v1/jobs/sorry/distributions", &pages)
		return len(pages.Depths) == 1 && len(pages.Statuses) == 3 && pages.Statuses[2].URLs == 4 // two of them twice
	})

	b := testbrowser.New(t) // a button does the same
	b.Open(dash+"/jobs/sorry/errors", "#retry-cause-404")
	b.Do(chromedp.Click(chromedp.CSS("#retry-cause-404")))
	b.Wait(".notice")
	ft.waitUntil("the URLs that were gone are requested again", func(context.Context) bool {
		return site.Count("/404/a") > before["/404/a"] && site.Count("/404/b") > before["/404/b"]
	})
	b.Calm(dash)
}

func TestTheDashboardExplainsAURLInTheWordsOfTheCommand(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.Scheduler()
	worker := ft.Worker()
	_, dash := ft.Dashboard()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 10, LinksPerPage: 3}
	site := g.Serve(t)
	job := jobOf(t, g, site)
	ft.Create(job)
	ft.Done(job.Name)
	worker.Terminate()
	page := site.URL(0, g.Path(4))
	var x struct {
		URL    string
		Place  string
		Record struct{ Outcome, Worker string }
	}
	call(t, http.MethodGet, dash+"/api/v1/jobs/"+job.Name+"/explain?url="+url.QueryEscape(page), &x)
	if x.URL != page || x.Place != "settled" || x.Record.Outcome != "fetched" || x.Record.Worker == "" {
		t.Errorf("the API says %+v", x)
	}
	b := testbrowser.New(t)
	b.Open(dash+"/", "#find")
	b.Do(chromedp.SendKeys(chromedp.CSS("#find"), page+"\r"))
	b.Wait("#explained")
	shown := testbrowser.Ask[string](b, `document.getElementById("explained").innerText`)
	printed := ft.run("explain", job.Name, page, "--out", ft.Out).exits(done).stdout
	for line := range strings.Lines(printed) {
		if words := strings.Fields(line); len(words) > 1 && !slices.Contains(words[:1], "host") &&
			!strings.Contains(strings.Join(strings.Fields(shown), " "), strings.Join(words[1:], " ")) {
			t.Errorf("the page does not say %q:\n%s", line, shown)
		}
	}
	b.Calm(dash)
}

func TestAPersonSeesPagesAsTheyAreFetched(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	_, dash := ft.Dashboard()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 2000, LinksPerPage: 10}
	site := g.Serve(t)
	job := jobOf(t, g, site)
	job.Delay = 20 * time.Millisecond
	ft.Create(job)
	b := testbrowser.New(t)
	ft.waitForState(job.Name, crawler.StateRunning)
	b.Open(dash+"/jobs/"+job.Name+"/pages", "#tail-text")
	b.Wait("#tail tr")
	text := testbrowser.Ask[string](b, `document.querySelector("#tail tr").innerText`)
	if !strings.Contains(text, site.Hosts()[0]) || !strings.Contains(text, "200") {
		t.Errorf("the first row says %q", text)
	}
	b.Do(chromedp.SendKeys(chromedp.CSS("#tail-text"), "no page has this"))
	b.Until(`document.querySelectorAll("#tail tr").length === 0`)
	b.Sound()
	b.Calm(dash)
	if err := ft.Client.Cancel(testfleet.Soon(t), job.Name); err != nil {
		t.Fatal(err)
	}
}
