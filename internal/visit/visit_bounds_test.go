package visit_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/dns"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestTheDepthOfAJobIsLimited(t *testing.T) {
	t.Parallel()
	pages := web{"/0": links("/1"), "/1": links("/2"), "/2": links("/3"), "/3": links()}
	for depth, want := range map[int]int{0: 1, 2: 3, -1: 4} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) { j.Depth = depth }).seed("/0")
			c.finish()
			if n := len(c.sink.records()); n != want {
				t.Errorf("got %d pages, want %d", n, want)
			}
		})
	}
}

func TestIncludeAndExcludePatternsLimitAJob(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links("/docs/a", "/docs/b?print", "/blog/c"), "/docs/a": links("/docs/d"),
		"/docs/d": links()})
	c := newCrawl(t, site, func(j *crawler.Job) {
		j.Include, j.Exclude = []string{"/docs/"}, []string{`\?print`}
	}).seed("/")
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched", "/docs/a": "fetched", "/docs/d": "fetched"})
}

func TestAJobThatFollowsNoLinksFollowsRedirects(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": "301 /b", "/b": links("/c"), "/c": links()})
	c := newCrawl(t, site, func(j *crawler.Job) { j.Follow, j.Scope = false, crawler.ScopeAny }).seed("/a")
	c.finish()
	c.wantRecords(map[string]string{"/a": "fetched"})
	c.wantRequests(map[string]int{"/b": 1, "/c": 0})
}

func TestPagesAboveTheBudgetOfAHostAreSkipped(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*crawler.Job){
		"over one connection":                func(*crawler.Job) {},
		"over many connections":              func(j *crawler.Job) { j.PerHost = 8 },
		"with a delay":                       func(j *crawler.Job) { j.Delay = time.Millisecond },
		"with a budget of the job":           func(j *crawler.Job) { j.Pages = 1000 },
		"with a budget of exactly all pages": func(j *crawler.Job) { j.Pages = 24 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := testsite.Graph{Hosts: 3, PagesPerHost: 40, LinksPerPage: 20, OneRoot: true}
			c := newCrawl(t, g.Serve(t), func(j *crawler.Job) { j.PagesPerHost = 8; change(j) }).root()
			c.finish()
			fetched := make(map[string]int)
			for _, r := range c.site.Requests() {
				if r.Path != "/robots.txt" {
					fetched[r.Host]++
				}
			}
			for _, h := range c.site.Hosts() {
				if fetched[h] != 8 {
					t.Errorf("%d pages of %s were fetched, want 8", fetched[h], h)
				}
			}
			n := c.counters()
			if n.Pages() != 24 || c.job.Pages != 24 && n.Outcomes[crawler.OutcomeSkipped] != n.Seen-24 {
				t.Errorf("%d URLs: %d were fetched and %d skipped", n.Seen, n.Pages(),
					n.Outcomes[crawler.OutcomeSkipped])
			}
		})
	}
}

func TestFailedPagesDoNotUseTheBudgetOfAHost(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(10)
	for _, p := range paths[:5] {
		pages[p] = "404"
	}
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) { j.PagesPerHost = 3 }).seed(paths...)
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{
		crawler.OutcomeFetched: 3, crawler.OutcomeGone: 5, crawler.OutcomeSkipped: 2,
	})
}

func TestAJobFetchesExactlyItsBudgetOfPages(t *testing.T) {
	t.Parallel()
	for _, perHost := range []int{1, 8} {
		t.Run(fmt.Sprintf("over %d connections", perHost), func(t *testing.T) {
			t.Parallel()
			g := testsite.Graph{Hosts: 3, PagesPerHost: 50, LinksPerPage: 10, OneRoot: true}
			c := newCrawl(t, g.Serve(t), func(j *crawler.Job) { j.Pages, j.PerHost = 37, perHost })
			for i := range 3 {
				c.admit(queue.Entry{URL: parseURL(t, c.site.URL(i, "/"))})
			}
			c.finish()
			if n, kept := c.counters(), len(c.sink.records()); n.Pages() != 37 || kept != 37 || n.Flight != 0 {
				t.Errorf("%d pages were fetched, %d kept, %d are in flight; want 37, 37, 0", n.Pages(), kept, n.Flight)
			}
		})
	}
}

func TestAVisitFetchesTheURLsItTookAndNoMoreThanAllowed(t *testing.T) {
	t.Parallel()
	for _, perHost := range []int{1, 8} {
		t.Run(fmt.Sprintf("over %d connections", perHost), func(t *testing.T) {
			t.Parallel()
			pages, paths := manyPages(10)
			c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) { j.PerHost = perHost }).seed(paths...)
			c.cfg.Pages = 4
			for _, want := range []int64{4, 4, 2} {
				if r := c.visit(t.Context(), nil); r.Pages != want {
					t.Errorf("a visit fetched %d pages, want %d", r.Pages, want)
				}
			}
		})
	}
}

func TestAVisitWithoutTimeDoesNotHoldItsHost(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(3)
	c := newCrawl(t, testsite.Serve(t, pages), nil).seed(paths...)
	c.cfg.Time = time.Nanosecond
	if r := c.visit(t.Context(), nil); r.Ending != queue.EndBound || r.Requested != 0 {
		t.Errorf("the visit ended as %s after %d pages", r.Ending, r.Requested)
	}
	if n := c.counters(); n.Waiting != 3 || n.Flight != 0 || n.Due != 1 {
		t.Errorf("%d URLs wait, %d are in flight, %d hosts are due", n.Waiting, n.Flight, n.Due)
	}
}

func TestADrainSettlesRequestsInFlightAndReturnsTheRest(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(20)
	site := testsite.Serve(t, pages)
	c := newCrawl(t, site, func(j *crawler.Job) { j.PerHost = 2 }).seed(paths...)
	c.cfg.Grace = time.Hour
	reached, release := site.Hang(paths[0])
	drain, done := make(chan struct{}), make(chan queue.Report)
	go func() { done <- c.visit(t.Context(), drain) }()
	<-reached
	close(drain)
	check(t, site.Until(t.Context(), oneInFlight))
	release()
	r := <-done
	if r.Ending != queue.EndDrained {
		t.Errorf("the visit ended as %s, want drained", r.Ending)
	}
	if rec := c.record(paths[0]); rec.Outcome != crawler.OutcomeFetched {
		t.Errorf("the page in flight was recorded as %s", rec.Outcome)
	}
	n := c.counters()
	if n.Flight != 0 || n.Waiting != 20-n.Pages() || n.Pages() != r.Pages || n.Broken != 0 {
		t.Errorf("%d URLs were fetched, %d wait, %d are in flight", n.Pages(), n.Waiting, n.Flight)
	}
	site.Delay(paths[0], 0)
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 20})
	c.wantRequests(map[string]int{paths[0]: 1, paths[10]: 1, paths[19]: 1})
}

// oneInFlight reports whether all requests but one are answered.
func oneInFlight(l *testsite.Log) bool {
	open := 0
	for _, r := range l.Requests() {
		if r.End.IsZero() {
			open++
		}
	}
	return open <= 1
}

func TestADrainCancelsRequestsAfterItsGracePeriod(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(3)
	site := testsite.Serve(t, pages)
	c := newCrawl(t, site, nil).seed(paths...)
	c.cfg.Grace = time.Millisecond
	reached, release := site.Hang(paths[0])
	drain, done := make(chan struct{}), make(chan queue.Report)
	go func() { done <- c.visit(t.Context(), drain) }()
	<-reached
	close(drain)
	if r := <-done; r.Ending != queue.EndDrained || r.Requested != 0 {
		t.Errorf("the visit ended as %s after %d pages", r.Ending, r.Requested)
	}
	if n := c.counters(); n.Waiting != 3 || n.Flight != 0 {
		t.Errorf("%d URLs wait and %d are in flight, want 3 and 0", n.Waiting, n.Flight)
	}
	release()
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 3})
}

func TestAVisitDrainedBeforeItBeginsMakesNoRequests(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(3)
	c := newCrawl(t, testsite.Serve(t, pages), nil).seed(paths...)
	drain := make(chan struct{})
	close(drain)
	if r := c.visit(t.Context(), drain); r.Ending != queue.EndDrained || len(c.site.Requests()) != 0 {
		t.Errorf("the visit ended as %s after %d requests", r.Ending, len(c.site.Requests()))
	}
	if n := c.counters(); n.Waiting != 3 || n.Flight != 0 {
		t.Errorf("%d URLs wait and %d are in flight, want 3 and 0", n.Waiting, n.Flight)
	}
}

func TestAVisitReturnsItsURLsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(3)
	site := testsite.Serve(t, pages)
	c := newCrawl(t, site, nil).seed(paths...)
	reached, _ := site.Hang(paths[0])
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan queue.Report)
	go func() { done <- c.visit(ctx, nil) }()
	<-reached
	cancel()
	<-done
	if n := c.counters(); n.Waiting != 3 || n.Flight != 0 {
		t.Errorf("%d URLs wait and %d are in flight, want 3 and 0", n.Waiting, n.Flight)
	}
}

// localhost and its subdomains are loopback addresses (RFC 6761, 6.3), so links can name any number
// of hosts of one domain.
func TestHostsOfADomainShareItsBudget(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*crawler.Job){
		"over one connection":     func(*crawler.Job) {},
		"over many connections":   func(j *crawler.Job) { j.PerHost = 4 },
		"with a budget of a host": func(j *crawler.Job) { j.PagesPerHost = 3 },
		"with a budget of a job":  func(j *crawler.Job) { j.Pages = 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, port, _ := net.SplitHostPort(r.Host)
				w.Header().Set("Content-Type", "text/html")
				for i := range 5 { // on other hosts of the domain, and on this one
					fmt.Fprintf(w, "<a href=http://h%d.wild.localhost:%s/%d>x</a><a href=/%d>y</a>", i, port, i, i)
				}
			}))
			_, port, _ := net.SplitHostPort(site.Hosts()[0])
			c := newCrawl(t, site, func(j *crawler.Job) {
				j.Scope, j.PagesPerDomain, j.IgnoreRobots = crawler.ScopeAny, 7, true
				change(j)
			})
			// A resolver with its own servers must not query them for these names.
			fetcher, err := fetch.New(fetch.Config{AllowPrivate: true, TempDir: t.TempDir(),
				Resolver: dns.NewResolver([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")})})
			check(t, err)
			t.Cleanup(fetcher.Close)
			c.tools.Fetcher = fetcher
			c.admit(queue.Entry{URL: parseURL(t, "http://h0.wild.localhost:"+port+"/")})
			c.finish()
			n := c.counters()
			if n.Pages() != 7 || len(site.Requests()) != 7 {
				t.Errorf("%d pages were fetched with %d requests, want 7", n.Pages(), len(site.Requests()))
			}
			if n.Outcomes[crawler.OutcomeSkipped] != n.Seen-7 || n.Seen < 8 {
				t.Errorf("%d URLs: %d were skipped: %+v", n.Seen, n.Outcomes[crawler.OutcomeSkipped],
					c.sink.records())
			}
		})
	}
}
