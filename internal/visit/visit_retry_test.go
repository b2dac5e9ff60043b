package visit_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestPermanentErrorsAreNotRetried(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/a": "404", "/b": "410", "/c": "403", "/d": "204"}), nil).seed("/a", "/b",
		"/c", "/d")
	c.finish()
	c.wantRecords(map[string]string{
		"/a": "gone the server answered 404 Not Found", "/b": "gone the server answered 410 Gone",
		"/c": "failed the server answered 403 Forbidden", "/d": "fetched",
	})
	c.wantRequests(map[string]int{"/a": 1, "/b": 1, "/c": 1, "/d": 1})
}

func TestFailuresAreCountedByCause(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": "404", "/b": "404", "/c": "403", "/d": "301 /e", "/e": "500", "/f": "204"})
	site.Handle("/g", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	c := newCrawl(t, site, func(j *crawler.Job) { j.Retries = 0 }).seed("/a", "/b", "/c", "/d", "/f", "/g")
	c.finish()
	want := map[string]int64{"404": 2, "403": 1, "500": 1, "reset": 1}
	if diff := cmp.Diff(want, c.counters().Causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}

func TestAFailureIsRetriedWithDoublingPauses(t *testing.T) {
	t.Parallel()
	const pause = 20 * time.Millisecond
	site := testsite.Serve(t, web{"/a": links()})
	site.Fail("/a", 500, 502, 503)
	c := newCrawl(t, site, func(j *crawler.Job) { j.RetryPause = pause }).seed("/a")
	c.finish()
	c.wantRecords(map[string]string{"/a": "fetched"})
	var last time.Time
	least := time.Duration(0)
	for _, r := range site.Requests() {
		if r.Path != "/a" {
			continue
		}
		if gap := r.Start.Sub(last); gap < least {
			t.Errorf("retried after %v, want at least %v", gap, least)
		}
		last, least = r.End, max(pause, 2*least)
	}
	c.wantRequests(map[string]int{"/a": 4})
	if n := c.counters().Outcomes[crawler.OutcomeRetry]; n != 3 {
		t.Errorf("%d retries are counted, want 3", n)
	}
}

func TestALastingFailureIsGivenUp(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links(), "/a": "500", "/b": "301 /c", "/c": "503"})
	c := newCrawl(t, site, func(j *crawler.Job) { j.Retries = 2 }).seed("/", "/a", "/b")
	c.finish()
	c.wantRecords(map[string]string{
		"/":  "fetched",
		"/a": "failed the server answered 500 Internal Server Error (tried 3 times)", "/b": "redirected",
		"/c": "failed the server answered 503 Service Unavailable (tried 3 times)",
	})
	c.wantRequests(map[string]int{"/a": 3, "/c": 4})
}

// The server sends less than its Content-Length each time.
func TestTheReceivedPartOfAnIncompletePageIsParsedAfterTheLastTry(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/b": links()})
	short := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	site.Handle("/a", short(http.StatusOK, "<title>A</title><a href=/b>b</a><p>and th"))
	site.Handle("/c", short(http.StatusNotFound, "<a href=/d>d</a>"))
	site.Handle("/e", short(http.StatusOK, ""))
	c := newCrawl(t, site, func(j *crawler.Job) { j.Retries = 1 }).seed("/a", "/c", "/e")
	c.finish()
	const broke = "the connection broke: unexpected end (tried 2 times)"
	c.wantRecords(map[string]string{"/a": "fetched only its beginning was read: " + broke, "/b": "fetched",
		"/c": "failed " + broke, "/e": "failed " + broke})
	c.wantRequests(map[string]int{"/a": 2, "/b": 1, "/c": 2, "/e": 2})
	for _, r := range c.sink.records() {
		if strings.HasSuffix(r.URL, "/a") && (!r.Truncated || r.Title != "A" || r.Bytes != 41) {
			t.Errorf("record: got %d bytes, title %q, truncated %t", r.Bytes, r.Title, r.Truncated)
		}
	}
}

func TestThePauseBeforeARetryIsBounded(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/0": "500", "/30": "500", "/63": "500", "/99": "500"})
	c := newCrawl(t, site, func(j *crawler.Job) { j.Retries, j.RetryPause = 100, time.Hour })
	for _, tries := range []int{0, 30, 63, 99} {
		c.admit(queue.Entry{URL: parseURL(t, site.URL(0, fmt.Sprintf("/%d", tries))), Tries: tries})
	}
	spy := &settlements{Frontier: c.frontier}
	c.tools.Frontier = spy
	c.visit(t.Context(), nil)
	if len(spy.made) != 4 {
		t.Fatalf("%d URLs were settled, want 4", len(spy.made))
	}
	for _, s := range spy.made {
		if s.Outcome != crawler.OutcomeRetry || s.After < time.Hour || s.After > 24*time.Hour {
			t.Errorf("after %d tries: got outcome %s, in %v", s.Retry.Tries, s.Outcome, s.After)
		}
	}
}

// busy answers the first request with a status and a Retry-After header, and passes on all others.
func busy(status int, after string, then http.Handler) http.Handler {
	first := true // there is one connection, so requests do not overlap
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !first {
			then.ServeHTTP(w, r)
			return
		}
		first = false
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	pages := web{"/a": links(), "/b": links(), "/c": links()}
	site := testsite.Serve(t, pages)
	site.Handle("/a", busy(http.StatusTooManyRequests, "1", pages))
	c := newCrawl(t, site, nil).seed("/a", "/b", "/c")
	c.finish()
	c.wantRecords(map[string]string{"/a": "fetched", "/b": "fetched", "/c": "fetched"})
	requests := site.Requests()
	for i, r := range requests {
		if r.Status != http.StatusTooManyRequests {
			continue
		}
		if gap := requests[i+1].Start.Sub(r.Start); gap < time.Second {
			t.Errorf("the next request came after %v, want 1s", gap)
		}
	}
}

func TestAVisitEndsInsteadOfWaitingForHours(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]string{
		"seconds": "7200", "a number of seconds that overflows": "99999999999999999999",
		"a date": time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, paths := manyPages(10)
			site := testsite.Serve(t, pages)
			site.Handle(paths[0], busy(http.StatusServiceUnavailable, after, pages))
			c := newCrawl(t, site, nil).seed(paths...)
			if r := c.visit(t.Context(), nil); r.Ending != queue.EndPause {
				t.Errorf("the visit ended as %s, want pause", r.Ending)
			}
			n := c.counters()
			if n.Waiting != 10 || n.Flight != 0 || len(site.Requests()) != 2 {
				t.Errorf("%d URLs wait, %d are in flight after %d requests; want 10, 0 after 2", n.Waiting, n.Flight,
					len(site.Requests()))
			}
			if orders, err := c.frontier.Arm(t.Context(), 1); len(orders) != 0 || err != nil {
				t.Errorf("the host is still due: %v, %v", orders, err)
			}
		})
	}
}

// Whether the URL or its host is refused depends on the other responses of the host.
func TestARefusingHostIsGivenUpAfterItsTries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status, refusals, retries, tries int
		robots                           string // status of robots.txt; "" for none
		want                             string
	}{
		"503 six times":           {503, 6, 3, 8, "", "fetched"},
		"429 seven times":         {429, 7, 3, 8, "", "fetched"},
		"503 without retries":     {503, 4, 0, 5, "", "fetched"},
		"503 beside a robots.txt": {503, 5, 1, 8, "User-agent: *\nAllow: /\n", "fetched"},
		"503 more often than there are tries": {
			503, 5, 3, 5, "", "failed the host is given up: it refused, or was not reached, 5 times in a row",
		},
		"429 for longer than failures are free": {429, 29, 0, 30, "", "fetched"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Serve(t, web{"/a": links()})
			site.Fail("/a", slices.Repeat([]int{c.status}, c.refusals)...)
			if c.robots != "" {
				site.Robots(c.robots)
			}
			crawl := newCrawl(t, site, func(j *crawler.Job) {
				j.Retries, j.HostTries, j.RetryPause = c.retries, c.tries, 1 // the shortest pause
			}).seed("/a")
			crawl.finish()
			crawl.wantRecords(map[string]string{"/a": c.want})
			if class := crawl.record("/a").ErrorClass; c.want != "fetched" && class != crawler.ErrorHTTP {
				t.Errorf("class: got %q", class)
			}
		})
	}
}

func TestARefusedURLOfAServingHostIsGivenUpAlone(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"429", "503"} {
		pages, paths := manyPages(20)
		pages[paths[9]] = status
		c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) { j.Retries = 2 }).seed(paths...)
		c.finish()
		c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 19, crawler.OutcomeFailed: 1})
		rec := c.record(paths[9])
		if !strings.HasPrefix(rec.Error, "the server answered "+status) || rec.ErrorClass != crawler.ErrorHTTP {
			t.Errorf("got reason %q, class %q", rec.Error, rec.ErrorClass)
		}
		c.wantRequests(map[string]int{paths[9]: 3})
	}
}

func TestURLsOfAnUnreachableHostFailWithTheirErrorClass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault fetched.Fault
		class crawler.ErrorClass
	}{
		{fetched.Fault{Kind: fetched.FaultResolve, Text: "no such host"}, crawler.ErrorDNS},
		{fetched.Fault{Kind: fetched.FaultResolve, Text: "the name server is ill", Passes: true}, crawler.ErrorDNS},
		{fetched.Fault{Kind: fetched.FaultConnect, Text: "connection refused", Passes: true}, crawler.ErrorConnect},
		{fetched.Fault{Kind: fetched.FaultTLS, Text: "the certificate is out of date"}, crawler.ErrorTLS},
		{fetched.Fault{Kind: fetched.FaultTimeout, Text: "no answer", Passes: true}, crawler.ErrorTimeout},
		{fetched.Fault{Kind: fetched.FaultReset, Text: "the connection broke", Passes: true}, crawler.ErrorReset},
		{fetched.Fault{Kind: fetched.FaultProtocol, Text: "no HTTP"}, crawler.ErrorProtocol},
		{fetched.Fault{Kind: fetched.FaultBlocked, Text: "a private address"}, crawler.ErrorBlocked},
	} {
		for name, change := range map[string]func(*crawler.Job){
			"robots.txt is given up first": func(j *crawler.Job) { j.RobotsTries, j.HostTries, j.Retries = 1, 3, 1 },
			"the host is given up first": func(j *crawler.Job) {
				j.HostTries, j.Retries, j.IgnoreRobots = 2, 1, true
			},
		} {
			t.Run(string(c.class)+", "+name, func(t *testing.T) {
				t.Parallel()
				crawl := newCrawl(t, testsite.Serve(t, web{}), change).seed("/a", "/b")
				crawl.tools.Fetcher = &faultyFetcher{Fetcher: crawl.tools.Fetcher, fault: c.fault,
					down: func(string) bool { return true }}
				crawl.finish()
				crawl.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFailed: 2})
				for _, path := range []string{"/a", "/b"} {
					if rec := crawl.record(path); rec.ErrorClass != c.class ||
						!strings.Contains(rec.Error, c.fault.Text) {
						t.Errorf("%s failed with %q, of class %q, want %q", path, rec.Error, rec.ErrorClass, c.class)
					}
				}
			})
		}
	}
}

func TestThePauseOfAHostIsReported(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links()})
	site.Fail("/robots.txt", 503)
	site.Fail("/a", 429)
	c := newCrawl(t, site, nil).seed("/a")
	var mu sync.Mutex
	var told []string
	c.cfg.Rests = func(h crawler.Host, reason string, wait time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if string(h) != site.Hosts()[0] || wait <= 0 {
			t.Errorf("%s pauses for %s", h, wait)
		}
		told = append(told, reason)
	}
	c.finish()
	if want := []string{"robots.txt answered 503", "the server answered 429 Too Many Requests"}; !slices.Equal(told,
		want) {
		t.Errorf("reported reasons: got %q, want %q", told, want)
	}
}

func TestARequestThatNeedsAnotherProtocolIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/a": links(), "/b": links()}),
		func(j *crawler.Job) { j.Retries = 0 }).seed("/a", "/b")
	again := &faultyFetcher{Fetcher: c.tools.Fetcher, fault: fetched.Fault{Kind: fetched.FaultProtocol,
		Text: "the server wants HTTP/1.1", Passes: true, Again: true}}
	again.down = func(string) bool { return again.asked.Load() == 0 }
	c.tools.Fetcher = again
	c.finish()
	c.wantRecords(map[string]string{"/a": "fetched", "/b": "fetched"})
	if n := c.counters().Outcomes[crawler.OutcomeRetry]; again.asked.Load() != 1 || n != 0 {
		t.Errorf("%d requests failed, and %d URLs were to be retried", again.asked.Load(), n)
	}
}
