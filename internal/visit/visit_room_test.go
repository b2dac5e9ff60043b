package visit_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// noPlaceFree reports that the worker has no free place.
func noPlaceFree() bool { return true }

// withRobots serves pages with this robots.txt.
func withRobots(robots string, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			fmt.Fprint(w, robots)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// refuse answers every request with this status and header, given as names and values.
func refuse(status int, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	})
}

// TestAVisitThatOnlyWaitsFreesItsPlace uses pauses that are shorter than a visit may last, and
// others that are so long that a waiting visit would never end.
func TestAVisitThatOnlyWaitsFreesItsPlace(t *testing.T) {
	t.Parallel()
	hour := func(j *crawler.Job) { j.CrawlDelayCap = time.Hour }
	pages, paths := manyPages(3)
	for name, c := range map[string]struct {
		host   http.Handler
		change func(*crawler.Job)
		want   map[string]int // requests
	}{
		"the job's delay": {pages, func(j *crawler.Job) { j.Delay = time.Hour },
			map[string]int{"/robots.txt": 1, "/0": 0}},
		"a Crawl-delay": {withRobots("User-agent: *\nCrawl-delay: 3000\n", pages), hour,
			map[string]int{"/robots.txt": 1, "/0": 0}},
		"Retry-After with 429": {withRobots("", refuse(http.StatusTooManyRequests, "Retry-After", "25")), nil,
			map[string]int{"/robots.txt": 1, "/0": 1, "/1": 0}},
		"503 without Retry-After": {withRobots("", refuse(http.StatusServiceUnavailable)),
			func(j *crawler.Job) { j.RetryPause = 20 * time.Second },
			map[string]int{"/robots.txt": 1, "/0": 1, "/1": 0}},
		"a robots.txt that redirects": {web{"/robots.txt": "301 /other.txt", "/other.txt": "404", "/0": "404"},
			func(j *crawler.Job) { j.Delay = 2 * time.Second },
			map[string]int{"/robots.txt": 1, "/other.txt": 1, "/0": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crawl := newCrawl(t, testsite.Serve(t, c.host), c.change)
			crawl.cfg.Full = noPlaceFree
			crawl.seed(paths...)
			if r := crawl.visit(t.Context(), nil); r.Ending != queue.EndPause {
				t.Errorf("the visit ends as %q, want %q", r.Ending, queue.EndPause)
			}
			crawl.wantRequests(c.want)
			if n := crawl.counters(); n.Waiting != 3 || n.Flight != 0 || n.Due != 1 {
				t.Errorf("%d URLs wait, %d are in flight, and %d hosts are due; want 3, 0 and 1", n.Waiting, n.Flight,
					n.Due)
			}
		})
	}
}

func TestAVisitAtTheDefaultPaceKeepsItsPlace(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(4)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.Delay = crawler.DefaultJob().Delay
	}).seed(paths...)
	c.cfg.Full = noPlaceFree
	if reports := c.finish(); len(reports) != 1 {
		t.Errorf("got %d visits, want 1", len(reports))
	}
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 4})
}

func TestAVisitThatWaitsKeepsItsPlaceWhileOthersAreFree(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(3)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.Delay = 1500 * time.Millisecond
	}).seed(paths...)
	if reports := c.finish(); len(reports) != 1 {
		t.Errorf("got %d visits, want 1", len(reports))
	}
}

func TestARedirectIsFollowedBeforeAVisitFreesItsPlace(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": "301 /b", "/b": "301 /c", "/c": links()})
	c := newCrawl(t, site, func(j *crawler.Job) { j.Delay = 1300 * time.Millisecond }).seed("/a")
	c.cfg.Full = noPlaceFree
	c.finish()
	c.wantRecords(map[string]string{"/a": "fetched"})
	c.wantRequests(map[string]int{"/robots.txt": 1, "/a": 1, "/b": 1, "/c": 1})
}

func TestAVisitFreesItsPlaceWhenTheFleetHasNone(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(3)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.Delay = time.Hour
	}).seed(paths...)
	c.tools.Frontier = alteredFrontier{c.tools.Frontier, func(l *alteredLease) { l.short = true }}
	if r := c.visit(t.Context(), nil); r.Ending != queue.EndPause {
		t.Errorf("the visit ends as %q, want %q", r.Ending, queue.EndPause)
	}
}

func TestAVisitFreesItsPlaceForAnotherJob(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(3)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.Delay = 20 * time.Second
	}).seed(paths...)
	c.tools.Frontier = alteredFrontier{c.tools.Frontier, func(l *alteredLease) { l.recalled = true }}
	c.cfg.Time = time.Hour
	// The delay counts from robots.txt, so a page needs another visit.
	c.job.IgnoreRobots = true
	if r := c.visit(t.Context(), nil); r.Ending != queue.EndShare || r.Pages != 1 {
		t.Errorf("the visit ends as %q after %d pages, want %q after one", r.Ending, r.Pages, queue.EndShare)
	}
	if n := c.counters(); n.Waiting != 2 || n.Flight != 0 || n.Due != 1 {
		t.Errorf("%d URLs wait, %d are in flight, and %d hosts are due; want 2, 0 and 1", n.Waiting, n.Flight, n.Due)
	}
}
