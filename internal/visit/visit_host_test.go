package visit_test

import (
	"context"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// faultyFetcher is a fetcher that returns a fault for the URLs that are down.
type faultyFetcher struct {
	visit.Fetcher
	fault fetched.Fault
	down  func(path string) bool
	asked atomic.Int64 // requests that failed
}

func (b *faultyFetcher) Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error) {
	if !b.down(r.URL.Path()) {
		return b.Fetcher.Fetch(ctx, r)
	}
	b.asked.Add(1)
	return &fetched.Page{URL: r.URL, Started: time.Now(), Fault: &b.fault}, nil
}

func TestAnUnreachableHostIsPostponedWithoutCountingTries(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(3)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) { j.Retries = 0 }).seed(paths...)
	down := &faultyFetcher{Fetcher: c.tools.Fetcher, fault: fetched.Fault{Kind: fetched.FaultConnect,
		Text: "connection refused", Passes: true}}
	down.down = func(path string) bool { return path != "/robots.txt" && down.asked.Load() < 5 }
	c.tools.Fetcher = down
	c.finish()
	c.wantRecords(map[string]string{"/0": "fetched", "/1": "fetched", "/2": "fetched"})
	if n := c.counters().Outcomes[crawler.OutcomeRetry]; n != 5 {
		t.Errorf("%d failures were to be retried, want 5", n)
	}
}

func TestAFailingHostIsGivenUpWithAReason(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault fetched.Fault
		met   string // a page that is fetched first
		asked int64
		want  string
	}{
		"no connection": {
			fetched.Fault{Kind: fetched.FaultConnect, Text: "connection refused", Passes: true}, "/robots.txt", 3,
			"failed the host is given up: it refused, or was not reached, 3 times in a row, at last: connection refused",
		},
		"an unknown name": {
			fetched.Fault{Kind: fetched.FaultResolve, Text: "no such host"}, "", 1,
			"failed the host is given up: no such host",
		},
		"a name that disappeared": {
			fetched.Fault{Kind: fetched.FaultResolve, Text: "no such host"}, "/robots.txt", 3,
			"failed the host is given up: it refused, or was not reached, 3 times in a row, at last: no such host",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, paths := manyPages(500)
			crawl := newCrawl(t, testsite.Serve(t, pages),
				func(j *crawler.Job) { j.HostTries, j.IgnoreRobots = 3, c.met == "" }).seed(paths...)
			down := &faultyFetcher{Fetcher: crawl.tools.Fetcher, fault: c.fault,
				down: func(path string) bool { return path != c.met }}
			crawl.tools.Fetcher = down
			crawl.finish()
			want := make(map[string]string)
			for _, path := range paths {
				want[path] = c.want
			}
			crawl.wantRecords(want)
			crawl.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFailed: 500})
			if n := down.asked.Load(); n != c.asked {
				t.Errorf("got %d requests, want %d", n, c.asked)
			}
			crawl.seed("/late") // a link from another host
			crawl.finish()
			if rec := crawl.record("/late"); rec.Outcome != crawler.OutcomeFailed || down.asked.Load() != c.asked {
				t.Errorf("a URL admitted later: got outcome %s after %d requests", rec.Outcome, down.asked.Load())
			}
		})
	}
}

// ruled replaces the rules of a host.
func ruled(by crawler.HostRules) func(*crawler.HostRules) error {
	return func(r *crawler.HostRules) error { *r = by; return nil }
}

func TestAForgivenHostIsVisitedAgain(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/a": links(), "/b": links()}),
		func(j *crawler.Job) { j.HostTries = 1 }).seed("/a")
	var up atomic.Bool
	c.tools.Fetcher = &faultyFetcher{
		Fetcher: c.tools.Fetcher, fault: fetched.Fault{Kind: fetched.FaultConnect, Passes: true},
		down: func(string) bool { return !up.Load() },
	}
	c.finish()
	up.Store(true)
	check(t, c.frontier.Govern(t.Context(), crawler.Host(c.site.Hosts()[0]), ruled(crawler.HostRules{}), true))
	c.seed("/b").finish()
	c.wantRecords(map[string]string{"/a": "failed the host is given up", "/b": "fetched"})
}

func TestRefusalsCountNoTriesAndPauseTheHost(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(4)
	site := testsite.Serve(t, pages)
	var refused atomic.Int64
	for _, path := range paths {
		site.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refused.Add(1) > 4 {
				pages.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		}))
	}
	c := newCrawl(t, site, func(j *crawler.Job) { j.Retries = 1 }).seed(paths...)
	c.finish() // four refusals in a row, without a pause
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 4})
}

func TestAHostThatOnlyRefusesIsGivenUp(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(50)
	for _, path := range paths {
		pages[path] = "429"
	}
	site := testsite.Serve(t, pages)
	c := newCrawl(t, site, func(j *crawler.Job) { j.HostTries, j.Retries = 4, 100 }).seed(paths...)
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFailed: 50})
	if n := len(site.Requests()); n != 1+4 {
		t.Errorf("got %d requests, want 5", n)
	}
	want := "the host is given up: it refused, or was not reached, 4 times in a row, at last: the server answered 429 Too Many Requests"
	if rec := c.record(paths[7]); rec.Error != want {
		t.Errorf("reason: got %q, want %q", rec.Error, want)
	}
}

func TestASingleRefusedURLIsGivenUp(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(100)
	site := testsite.Serve(t, pages)
	site.Handle(paths[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(2*time.Second).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	c := newCrawl(t, site, func(j *crawler.Job) { j.Retries = 0 })
	c.admit(queue.Entry{URL: parseURL(t, site.URL(0, paths[0])), Spared: 20})
	c.seed(paths[1:]...).finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 99, crawler.OutcomeFailed: 1})
	if rec := c.record(paths[0]); rec.Error != "the server answered 503 Service Unavailable (tried 21 times)" {
		t.Errorf("reason: got %q", rec.Error)
	}
}

func TestRulesOfAHostApplyDuringAVisit(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(200)
	site := testsite.Serve(t, pages)
	c := newCrawl(t, site, nil).seed(paths...)
	host := crawler.Host(site.Hosts()[0])
	var once atomic.Bool
	site.Handle(paths[20], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !once.Swap(true) {
			check(t, c.frontier.Govern(context.Background(), host, ruled(crawler.HostRules{Paused: true}), false))
		}
		pages.ServeHTTP(w, r)
	}))
	if r := c.visit(t.Context(), nil); r.Ending != queue.EndPause || r.Pages < 21 || r.Pages > 40 {
		t.Errorf("the visit ended as %s after %d pages, want pause after 21 or a few more", r.Ending, r.Pages)
	}
	if orders, err := c.frontier.Arm(t.Context(), 1); len(orders) != 0 || err != nil {
		t.Errorf("a paused host is due: %v, %v", orders, err)
	}
	check(t, c.frontier.Govern(t.Context(), host, ruled(crawler.HostRules{Pages: 60}), false))
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 60, crawler.OutcomeSkipped: 140})
}

func TestARuleSetsTheDelayOfOneHost(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	pages, paths := manyPages(4)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.Delay = time.Hour
	}).seed(paths...)
	own := delay
	check(t, c.frontier.Govern(t.Context(), crawler.Host(c.site.Hosts()[0]), ruled(crawler.HostRules{Delay: &own}), false))
	s := recordSending(c)
	c.finish()
	if len(s.sent) != 5 {
		t.Fatalf("%d requests were sent, want 5", len(s.sent))
	}
	wantGaps(t, s.allGaps(), delay)
}

func TestHostRulesAreTheSameAfterPacking(t *testing.T) {
	t.Parallel()
	delay := 1500 * time.Millisecond
	for _, want := range []crawler.HostRules{{}, {Paused: true}, {Delay: &delay}, {Pages: 7},
		{Paused: true, Delay: &delay, Pages: 1 << 40}, {Ask: []string{"/a/N", "/b?c"}}} {
		got, err := queue.UnpackHostRules(queue.PackHostRules(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is unpacked as %+v, %v; want %+v", queue.PackHostRules(want), got, err, want)
		}
	}
	for _, s := range []string{"1", "1 x 0", "1 - x"} {
		if r, err := queue.UnpackHostRules(s); err == nil {
			t.Errorf("%q is parsed as %+v", s, r)
		}
	}
}
