package visit_test

import (
	"context"
	"net/http/httptrace"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// root admits the root page, which links to all others directly or indirectly.
func (c *crawl) root() *crawl { return c.seed("/") }

// wantAllOnce fails unless exactly these URLs were fetched and recorded, each with one request.
func (c *crawl) wantAllOnce(urls map[string]bool) {
	c.t.Helper()
	want, got := make(map[string]int), make(map[string]int)
	for u := range urls {
		want[u] = 1
	}
	for _, r := range c.sink.records() {
		if r.Outcome == crawler.OutcomeFetched {
			got[r.URL]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("records (-want +got):\n%s", diff)
	}
	clear(got)
	for _, r := range c.site.Requests() {
		if r.Path != "/robots.txt" {
			got["http://"+r.Host+r.Path]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("requested pages (-want +got):\n%s", diff)
	}
}

func TestAVisitSaysWhatItsTimeIsSpentOn(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links("/b"), "/b": links()})
	site.Delay("/b", 200*time.Millisecond)
	// The delay is longer than what the visit does between its two requests, on any machine.
	c := newCrawl(t, site, func(j *crawler.Job) { j.Delay, j.Throttle = 3*time.Second, 0 }).seed("/a")
	visitor, began := c.visitor(), time.Now()
	_, err := visitor.Visit(t.Context(), c.arm(), nil)
	check(t, err)
	took, spent := time.Since(began), visitor.Spent()
	if spent[activity.Server] < 200*time.Millisecond || spent[activity.Politeness] <= 0 {
		t.Errorf("slow servers took %s, and politeness %s", spent[activity.Server], spent[activity.Politeness])
	}
	if spent[activity.Parsing] <= 0 || spent[activity.Redis] <= 0 || spent[activity.Output] <= 0 || spent.Total() > took {
		t.Errorf("a visit of %s has spent %v", took, spent)
	}
}

func TestEveryPageIsFetchedOnce(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*crawler.Job){
		"over one connection":   nil,
		"over many connections": func(j *crawler.Job) { j.PerHost = 8 },
		"in several shards":     func(j *crawler.Job) { j.Shards = 4 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := testsite.Graph{Hosts: 3, PagesPerHost: 60, LinksPerPage: 6, OneRoot: true}
			c := newCrawl(t, g.Serve(t), change).root()
			c.finish()
			c.wantAllOnce(g.URLs(c.site))
			c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 180})
		})
	}
}

func TestRobotsIsTheFirstRequestToAHostAndMadeOnce(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 5, LinksPerPage: 6, OneRoot: true}
	c := newCrawl(t, g.Serve(t), func(j *crawler.Job) { j.PerHost = 8 }).root()
	c.finish()
	for host, requests := range c.site.ByHost() {
		if requests[0].Path != "/robots.txt" || requests[0].End.After(requests[1].Start) {
			t.Errorf("%s received a request for %s before robots.txt was fetched", host, requests[1].Path)
		}
	}
	c.wantRequests(map[string]int{"/robots.txt": 3})
}

func TestARecordShowsHowAPageWasFound(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links("/a", "/a#again"), "/a": links("/b"), "/b": links("/")})
	c := newCrawl(t, site, nil).root()
	reports := c.finish()
	for path, want := range map[string]crawler.Record{
		"/":  {Depth: 0, Referrer: "", Title: "links", Links: 1},
		"/a": {Depth: 1, Referrer: site.URL(0, "/"), Title: "links", Links: 1},
		"/b": {Depth: 2, Referrer: site.URL(0, "/a"), Title: "links", Links: 1},
	} {
		rec := c.record(path)
		got := crawler.Record{Depth: rec.Depth, Referrer: rec.Referrer, Title: rec.Title, Links: rec.Links}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if rec.Job != c.job.Name || rec.Worker != "tester" || rec.Status != 200 || rec.FinalURL != rec.URL {
			t.Errorf("%s is recorded as %+v", path, rec)
		}
	}
	if len(reports) != 1 {
		t.Fatalf("got %d visits, want 1", len(reports))
	}
	want := queue.Report{
		Host: crawler.Host(site.Hosts()[0]), Ending: queue.EndDry, Pages: 3, Links: 2, Requested: 3,
		Outcomes: map[crawler.Outcome]int{crawler.OutcomeFetched: 3}, First: site.URL(0, "/"), Last: site.URL(0, "/b"),
	}
	got := reports[0]
	got.Bytes, got.Answer, got.Duration, got.MS = 0, 0, 0, 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestRequestsOverManyConnectionsOverlap(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(8)
	site := testsite.Serve(t, pages)
	c := newCrawl(t, site, func(j *crawler.Job) { j.PerHost = 8 }).seed(paths...)
	releases := make([]func(), len(paths))
	for i, p := range paths {
		_, releases[i] = site.Hang(p)
	}
	done := make(chan queue.Report)
	go func() { done <- c.visit(t.Context(), nil) }()
	check(t, site.Until(t.Context(), func(l *testsite.Log) bool { return l.MaxConcurrent(site.Hosts()[0]) == 8 }))
	for _, release := range releases {
		release()
	}
	if r := <-done; r.Pages != 8 {
		t.Errorf("%d pages were fetched, want 8", r.Pages)
	}
}

// sender is a fetcher that records when each request was sent. A server sees requests later, and
// on a busy machine some much later than others.
type sender struct {
	visit.Fetcher
	mu   sync.Mutex
	sent []sending
}

type sending struct {
	host string
	at   time.Time
}

// recordSending makes a crawl record when its requests are sent.
func recordSending(c *crawl) *sender {
	s := &sender{Fetcher: c.tools.Fetcher}
	c.tools.Fetcher = s
	return s
}

func (s *sender) Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error) {
	return s.Fetcher.Fetch(httptrace.WithClientTrace(ctx,
		&httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.sent = append(s.sent, sending{string(r.URL.Host()), time.Now()})
		}}), r)
}

// gaps returns the times between the requests to one host.
func (s *sender) gaps(host string) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := slices.DeleteFunc(slices.Clone(s.sent), func(r sending) bool { return r.host != host })
	return gapsOf(of)
}

// allGaps returns the times between the requests to all hosts.
func (s *sender) allGaps() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return gapsOf(slices.Clone(s.sent))
}

func gapsOf(sent []sending) []time.Duration {
	slices.SortFunc(sent, func(a, b sending) int { return a.at.Compare(b.at) })
	var gaps []time.Duration
	for i := 1; i < len(sent); i++ {
		gaps = append(gaps, sent[i].at.Sub(sent[i-1].at))
	}
	return gaps
}

// wantGaps checks that each request was sent at least a delay after the one before.
func wantGaps(t *testing.T, gaps []time.Duration, delay time.Duration) {
	t.Helper()
	for i, gap := range gaps {
		if gap < delay {
			t.Errorf("request %d was sent %v after the last one, want %v", i+1, gap, delay)
		}
	}
}

func TestTheDelayIsKeptOverConnectionsAndVisits(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	pages, paths := manyPages(20)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) { j.PerHost, j.Delay = 8, delay })
	c.cfg.Pages = 3
	s := recordSending(c)
	if n := len(c.seed(paths...).finish()); n != 7 {
		t.Errorf("20 pages took %d visits of 3 pages, want 7", n)
	}
	wantGaps(t, s.allGaps(), delay)
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 20})
}

// The test is not parallel, because the site must record arrivals without delay.
func TestRequestsArriveWithTheDelay(t *testing.T) {
	const delay = 200 * time.Millisecond
	pages, paths := manyPages(6)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) { j.PerHost, j.Delay = 8, delay })
	c.cfg.Pages = 4
	stalls := testsite.WatchStalls(t)
	c.seed(paths...).finish()
	slack := 2 * stalls() // other processes may delay the site
	if got := c.site.SmallestGap(c.site.Hosts()[0]); got < delay-slack {
		t.Errorf("the smallest gap is %v, want %v (%v of slack)", got, delay, slack)
	}
}

func TestHundredsOfHostsAreVisitedAtOnce(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 200, PagesPerHost: 4, LinksPerPage: 6, OneRoot: true}
	c := newCrawl(t, g.Serve(t), nil)
	for _, ref := range (testsite.Graph{Hosts: 200}).Roots() {
		c.admit(queue.Entry{URL: parseURL(t, c.site.URL(ref.Host, "/"))})
	}
	c.finish()
	c.wantAllOnce(g.URLs(c.site))
	visited := make(map[string]bool)
	for _, r := range c.site.Requests() {
		visited[r.Host] = true
	}
	if n := len(visited); n != 200 {
		t.Errorf("%d hosts were visited, want 200", n)
	}
}
