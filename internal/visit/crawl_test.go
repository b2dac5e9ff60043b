package visit_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/cookie"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/sitemap"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// crawl is a job that crawls a test site, with the tools of its visits. All tools are real except
// the sink.
type crawl struct {
	t        testing.TB
	site     *testsite.Site
	job      crawler.Job
	cfg      visit.Config
	frontier *frontier.Frontier
	tools    visit.Tools
	sink     *memorySink
	homes    []crawler.Host // hosts of the seeds; nil for all hosts of the site
}

// newCrawl creates a job without a delay, with short retry pauses, and with all hosts of the site
// in scope.
func newCrawl(t testing.TB, site *testsite.Site, change func(*crawler.Job)) *crawl {
	t.Helper()
	job := crawler.DefaultJob()
	job.Name, job.Scope, job.Delay, job.RetryPause = redistest.Name(t), crawler.ScopeDomain, 0,
		time.Millisecond
	const patient = 10 * time.Minute // longer than any response takes, on a busy machine too
	job.Timeout = patient
	if change != nil {
		change(&job)
	}
	endpoint, err := redisconn.ParseEndpoint(redistest.Private(t))
	check(t, err)
	rdb := endpoint.Client()
	t.Cleanup(func() { rdb.Close() })
	store := frontier.NewPrivate(rdb)
	check(t, store.Create(t.Context(), job))
	fetcher, err := fetch.New(fetch.Config{AllowPrivate: true, TempDir: t.TempDir(), HeaderTimeout: patient,
		ConnectTimeout: patient, TLSTimeout: patient})
	check(t, err)
	t.Cleanup(fetcher.Close)
	needs := needsOf(t, job)
	parser, err := parse.New(parse.JobConfig(job, needs))
	check(t, err)
	c := &crawl{t: t, site: site, job: job, frontier: store.Frontier(job), sink: &memorySink{needs: needs}}
	c.cfg.Worker = "tester"
	c.tools = visit.Tools{
		Frontier: c.frontier, Fetcher: fetcher, Robots: robots.New(store.RobotsCache(), robots.Config{}),
		Parser: parser, Sitemaps: sitemap.Parser{}, Sink: c.sink, Jar: cookie.NewJar(),
	}
	return c
}

// needsOf returns the needs of a job's sinks, without bodies.
func needsOf(t testing.TB, job crawler.Job) fetched.Needs {
	t.Helper()
	sinks, err := sink.Open(job.Format, t.TempDir(), sink.Options{Job: job})
	check(t, err)
	defer sinks.Close()
	needs := sinks.Needs()
	needs.Bodies = false
	return needs
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func parseURL(t testing.TB, s string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(s)
	check(t, err)
	return u
}

// seed admits paths of the site's first host.
func (c *crawl) seed(paths ...string) *crawl {
	c.t.Helper()
	for _, path := range paths {
		c.admit(queue.Entry{URL: parseURL(c.t, c.site.URL(0, path))})
	}
	return c
}

func (c *crawl) admit(entries ...queue.Entry) {
	c.t.Helper()
	_, err := c.frontier.Admit(c.t.Context(), entries)
	check(c.t, err)
}

func (c *crawl) visitor() *visit.Visitor {
	c.t.Helper()
	homes := c.homes
	for _, h := range c.site.Hosts() {
		if c.homes == nil {
			homes = append(homes, crawler.Host(h))
		}
	}
	scope, err := rules.NewScope(c.job.ScopeSettings, homes)
	check(c.t, err)
	v, err := visit.New(c.job, scope, c.tools, c.cfg)
	check(c.t, err)
	return v
}

// dueEvery is how often a crawl looks whether a host is due, which no signal tells.
const dueEvery = 5 * time.Millisecond

// arm waits until a host is due and arms it.
func (c *crawl) arm() queue.VisitRef {
	c.t.Helper()
	poll := time.NewTicker(dueEvery)
	defer poll.Stop()
	for {
		orders, err := c.frontier.Arm(c.t.Context(), 1)
		check(c.t, err)
		if len(orders) > 0 {
			return orders[0]
		}
		<-poll.C
	}
}

// visit makes one visit.
func (c *crawl) visit(ctx context.Context, drain <-chan struct{}) queue.Report {
	c.t.Helper()
	r, err := c.visitor().Visit(ctx, c.arm(), drain)
	check(c.t, err)
	return r
}

// finish visits all due hosts concurrently until the job is idle or has spent its budget of pages.
// It returns the visits' reports.
func (c *crawl) finish() []queue.Report {
	c.t.Helper()
	visitor, done, out := c.visitor(), make(chan queue.Report), 0
	poll := time.NewTicker(dueEvery)
	defer poll.Stop()
	var reports []queue.Report
	for {
		orders, err := c.frontier.Arm(c.t.Context(), 1000)
		check(c.t, err)
		for _, o := range orders {
			out++
			go func() {
				r, err := visitor.Visit(c.t.Context(), o, nil)
				if err != nil {
					c.t.Errorf("visit %s: %v", o.Host, err)
				}
				done <- r
			}()
		}
		if out == 0 && c.over() {
			return reports
		}
		select {
		case r := <-done:
			out--
			reports = append(reports, r)
		case <-poll.C:
		}
	}
}

func (c *crawl) over() bool {
	n := c.counters()
	return n.Idle() || c.job.Pages > 0 && n.Pages() >= c.job.Pages || c.t.Failed()
}

func (c *crawl) counters() crawler.Counters {
	c.t.Helper()
	n, err := c.frontier.Counters(c.t.Context())
	check(c.t, err)
	return n
}

// wantSettled fails unless the job counts these outcomes and no URL waits or is in flight.
func (c *crawl) wantSettled(want map[crawler.Outcome]int64) {
	c.t.Helper()
	n := c.counters()
	delete(n.Outcomes, crawler.OutcomeRetry)
	if diff := cmp.Diff(want, n.Outcomes); diff != "" {
		c.t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if n.Waiting != 0 || n.Flight != 0 {
		c.t.Errorf("%d URLs wait and %d are in flight, want none", n.Waiting, n.Flight)
	}
}

// wantRecords fails unless the sink has exactly these records, by path of the first host. A record
// is "outcome reason", where a prefix of the reason is enough.
func (c *crawl) wantRecords(want map[string]string) {
	c.t.Helper()
	for path, outcome := range want {
		if rec := c.record(path); !strings.HasPrefix(string(rec.Outcome)+" "+rec.Error, outcome) {
			c.t.Errorf("%s: got outcome %s, error %q, want %s", path, rec.Outcome, rec.Error, outcome)
		}
	}
	if records := c.sink.records(); len(records) != len(want) {
		c.t.Errorf("got %d records, want %d: %+v", len(records), len(want), records)
	}
}

// record returns the record of a path of the first host, of which there must be exactly one.
func (c *crawl) record(path string) crawler.Record {
	c.t.Helper()
	var found []crawler.Record
	for _, r := range c.sink.records() {
		if r.URL == c.site.URL(0, path) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		c.t.Fatalf("%s has %d records, want 1", path, len(found))
	}
	return found[0]
}

// wantRequests fails unless the site received this number of requests for each path.
func (c *crawl) wantRequests(want map[string]int) {
	c.t.Helper()
	for path, n := range want {
		if got := c.site.Count(path); got != n {
			c.t.Errorf("%s was requested %d times, want %d", path, got, n)
		}
	}
}

// memorySink is a sink that keeps records in memory, and that can be made to fail.
type memorySink struct {
	needs fetched.Needs // set before the sink is used

	mu   sync.Mutex
	kept []crawler.Record
	left []fetched.SkippedRecord
	fail error
}

func (s *memorySink) Keep(_ context.Context, results []*fetched.Result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for _, r := range results {
		s.left = append(s.left, r.SkippedRecords()...)
		if !r.Unrecorded {
			s.kept = append(s.kept, r.Record(false))
		}
	}
	return nil
}

func (s *memorySink) Needs() fetched.Needs { return s.needs }

func (s *memorySink) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *memorySink) records() []crawler.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

// skipped returns the records of skipped URLs.
func (s *memorySink) skipped() []fetched.SkippedRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.left)
}

// web serves pages by path and query: "301 /b" is a redirect, "404" a status, and any other text
// the body of an HTML page. Other paths are answered with 404.
type web map[string]string

func (w web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	page, ok := w[r.RequestURI]
	if !ok {
		page = "404"
	}
	word, rest, _ := strings.Cut(page, " ")
	status, err := strconv.Atoi(word)
	switch {
	case err != nil:
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(out, page)
	case rest != "":
		out.Header().Set("Location", rest)
		out.WriteHeader(status)
	default:
		out.WriteHeader(status)
	}
}

// links returns a page that links to each path.
func links(paths ...string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html><title>links</title>")
	for _, p := range paths {
		fmt.Fprintf(&b, "<a href=%q>%s</a>\n", p, p)
	}
	return b.String()
}

// manyPages returns a host with n pages without links, at "/0", "/1" and so on.
func manyPages(n int) (w web, paths []string) {
	w = make(web, n)
	for i := range n {
		paths = append(paths, "/"+strconv.Itoa(i))
		w[paths[i]] = "<!DOCTYPE html><title>page</title>"
	}
	return w, paths
}
