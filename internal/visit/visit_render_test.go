package visit_test

import (
	"context"
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
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// shell returns a page whose content is made by statements.
func shell(statements ...string) string {
	return `<!DOCTYPE html><title>app</title><body><div id="root"></div>` + showScript + "<script>" +
		strings.Join(statements, ";") + "</script>"
}

// complete returns a page that is complete without its script.
func complete(paths ...string) string {
	return links(paths...) + "<p>" + strings.Repeat("Plain words of an article. ", 60) + "</p><script>var x = 1</script>"
}

// rendering makes a crawl render its pages with a browser.
func rendering(c *crawl, b visit.Browser) *crawl {
	c.tools.Browser = b
	return c
}

func renderMode(mode crawler.RenderMode, more ...func(*crawler.Job)) func(*crawler.Job) {
	return func(j *crawler.Job) {
		j.Render = mode
		for _, change := range more {
			change(j)
		}
	}
}

func TestPagesThatNeedABrowserAreRendered(t *testing.T) {
	t.Parallel()
	pages := web{
		"/":        complete("/app/1", "/app/2", "/about"),
		"/about":   complete(),
		"/app/1":   shell(`show("/api/1")`),
		"/app/2":   shell(`show("/api/2")`),
		"/api/1":   `<a href="/found/1">one</a>`,
		"/api/2":   `<a href="/found/2">two</a> <h1>Words</h1>`,
		"/found/1": complete(), "/found/2": complete(),
	}
	c := rendering(newCrawl(t, testsite.Serve(t, pages), renderMode(crawler.RenderAuto)), new(fakeBrowser)).root()
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 6})
	for path, n := range map[string]int{"/app/1": 1, "/app/2": 1} {
		rec := c.record(path)
		if rec.Links != n || rec.Rendered == nil || rec.Rendered.Why != "try" || rec.Rendered.Requests != 1 ||
			rec.Rendered.Error != "" {
			t.Errorf("%s is recorded with %v links, rendered as %+v", path, rec.Links, rec.Rendered)
		}
		if rec.ContentType != "text/html; charset=utf-8" || rec.Bytes != int64(len(pages[path])) {
			t.Errorf("%s is recorded as %q of %d bytes, want what the server sent", path, rec.ContentType, rec.Bytes)
		}
	}
	// The answers of an API are parts of a page, and not pages themselves.
	c.wantRequests(map[string]int{"/api/1": 1, "/api/2": 1, "/robots.txt": 1})
}

func TestAJobThatAlwaysRendersSaysSo(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": complete()})
	c := rendering(newCrawl(t, site, renderMode(crawler.RenderAlways)), new(fakeBrowser))
	c.root().finish()
	if rec := c.record("/"); rec.Rendered == nil || rec.Rendered.Why != "always" {
		t.Errorf("the page is rendered as %+v", rec.Rendered)
	}
}

func TestPagesThatAreNoPagesAreNotRendered(t *testing.T) {
	t.Parallel()
	browser := new(fakeBrowser)
	site := testsite.Serve(t, web{"/": "404", "/moved": "301 /there", "/there": "500"})
	c := rendering(newCrawl(t, site, renderMode(crawler.RenderAlways, func(j *crawler.Job) { j.Retries = 0 })), browser)
	c.seed("/", "/moved").finish()
	if n := browser.renders.Load(); n != 0 {
		t.Errorf("%d pages were rendered, want none", n)
	}
}

func TestAWorkerWithoutABrowserRefusesAJobThatRenders(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/": complete()}), renderMode(crawler.RenderAuto))
	_, err := visit.New(c.job, nil, c.tools, c.cfg)
	if err == nil || !strings.Contains(err.Error(), "this worker has no browser") {
		t.Errorf("the error is %v", err)
	}
}

func TestRequestsOfAPageObeyRobotsAndTheScope(t *testing.T) {
	t.Parallel()
	site := testsite.ServeLinked(t, 2, func(hosts []string) []http.Handler {
		return []http.Handler{
			web{
				"/robots.txt": "User-agent: *\nDisallow: /private",
				"/": shell(`show("/private/data")`, `show("/public")`, fmt.Sprintf(`show("http://%s/other")`, hosts[1]),
					`show("/vote", 1)`, `fetch("/vote", {method: "POST"})`, `show("ftp://example.com/x")`),
				"/public": "public words", "/private/data": "private words",
			},
			web{"/other": "other words"},
		}
	})
	c := rendering(newCrawl(t, site, renderMode(crawler.RenderAlways,
		func(j *crawler.Job) { j.RenderScope, j.Text = crawler.ScopeHost, true })), new(fakeBrowser))
	c.root().finish()
	got := make(map[string]string)
	for _, b := range c.record("/").Rendered.Blocked {
		got[b.URL] = b.Why
	}
	want := map[string]string{
		site.URL(0, "/private/data"): "robots", site.URL(1, "/other"): "scope", site.URL(0, "/vote"): "method",
		"ftp://example.com/x": "url",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests that were not made (-want +got):\n%s", diff)
	}
	c.wantRequests(map[string]int{"/private/data": 0, "/other": 0, "/vote": 0, "/public": 1})
}

func TestAPageMayRequestFromHostsOfStrangersWhoseRobotsAllowIt(t *testing.T) {
	t.Parallel()
	site := testsite.ServeLinked(t, 2, func(hosts []string) []http.Handler {
		other := func(path string) string { return fmt.Sprintf(`show("http://%s%s")`, hosts[1], path) }
		return []http.Handler{
			web{"/": shell(other("/a"), other("/b"), other("/no"))},
			web{"/robots.txt": "User-agent: *\nDisallow: /no", "/a": "a", "/b": "b", "/no": "no"},
		}
	})
	journal := new(memoryJournal)
	c := newCrawl(t, site, renderMode(crawler.RenderAlways,
		func(j *crawler.Job) { j.RenderScope, j.Delay, j.Throttle = crawler.ScopeAny, 50*time.Millisecond, 0 }))
	c.homes = []crawler.Host{crawler.Host(site.Hosts()[0])}
	c.tools.Journal = journal
	sent := recordSending(c)
	rendering(c, new(fakeBrowser)).root().finish()
	requests := site.ByHost()[site.Hosts()[1]]
	if len(requests) != 3 || requests[0].Path != "/robots.txt" {
		t.Fatalf("the other host got %+v, want robots.txt, /a and /b", requests)
	}
	wantGaps(t, sent.gaps(site.Hosts()[1]), 50*time.Millisecond)
	guests := 0
	for _, x := range journal.all() {
		if x.Guest != (string(x.URL.Host()) == site.Hosts()[1]) {
			t.Errorf("the journal says of %s that its host is that of a stranger: %v", x.URL, x.Guest)
		}
		if x.Guest {
			guests++
		}
	}
	if guests != 3 {
		t.Errorf("the journal has %d requests to the other host, want 3", guests)
	}
}

func TestPagesOfTwoWorkersTakeTurnsAtAHostOfStrangers(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	site := testsite.ServeLinked(t, 3, func(hosts []string) []http.Handler {
		page := func(name string) web {
			var all []string
			for i := range 4 {
				all = append(all, fmt.Sprintf(`show("http://%s/%s/%d")`, hosts[2], name, i))
			}
			return web{"/": shell(all...)}
		}
		return []http.Handler{page("one"), page("two"), http.NotFoundHandler()}
	})
	c := rendering(newCrawl(t, site, renderMode(crawler.RenderAlways,
		func(j *crawler.Job) { j.RenderScope, j.Delay, j.Throttle = crawler.ScopeAny, delay, 0 })), new(fakeBrowser))
	sent := recordSending(c)
	var all sync.WaitGroup
	for i, worker := range []string{"one", "two"} {
		c.admit(queue.Entry{URL: parseURL(t, site.URL(i, "/"))})
		c.cfg.Worker = worker
		visitor, order := c.visitor(), c.arm()
		all.Go(func() {
			if _, err := visitor.Visit(t.Context(), order, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	other := site.Hosts()[2]
	if n := len(site.ByHost()[other]); n < 9 || n > 10 { // with robots.txt, by one worker or both
		t.Errorf("the other host got %d requests, want the 8 of both pages, and robots.txt", n)
	}
	wantGaps(t, sent.gaps(other), delay)
}

func TestRequestsOfAPageKeepTheDelay(t *testing.T) {
	t.Parallel()
	const delay = 60 * time.Millisecond
	pages := web{"/": shell(`show("/1")`, `show("/2")`) + `<a href="/next"></a>`,
		"/1": "one", "/2": "two", "/next": shell(`show("/1")`)}
	for pace, check := range map[crawler.RenderPace]func(gaps []time.Duration) bool{
		crawler.RenderPaceEach: func(gaps []time.Duration) bool {
			return !slices.ContainsFunc(gaps, func(g time.Duration) bool { return g < delay })
		},
		// robots.txt, the page with its two requests, and the next page with its one.
		crawler.RenderPacePage: func(gaps []time.Duration) bool { return gaps[0] >= delay && gaps[3] >= delay },
	} {
		t.Run(string(pace), func(t *testing.T) {
			t.Parallel()
			site := testsite.Serve(t, pages)
			journal := new(memoryJournal)
			c := newCrawl(t, site, renderMode(crawler.RenderAlways,
				func(j *crawler.Job) { j.RenderRequests, j.Delay, j.Throttle = pace, delay, 0 }))
			c.tools.Journal = journal
			sent := recordSending(c)
			rendering(c, new(fakeBrowser)).root().finish()
			requests := site.Requests()
			if len(requests) != 6 {
				t.Fatalf("the site got %d requests, want 6: %+v", len(requests), requests)
			}
			if gaps := sent.allGaps(); !check(gaps) {
				t.Errorf("the gaps are %v", gaps)
			}
			for _, x := range journal.all()[2:4] {
				if want := map[crawler.RenderPace]time.Duration{crawler.RenderPaceEach: delay}[pace]; x.Gap != want {
					t.Errorf("the journal says that %s kept %v, want %v", x.URL, x.Gap, want)
				}
			}
		})
	}
}

func TestPagesOfAVisitShareTheirScripts(t *testing.T) {
	t.Parallel()
	page := func(next string) string {
		return `<title>app</title><div id="root"></div><script src="/app.js"></script>` + `<a href="` + next + `">next</a>`
	}
	c := rendering(newCrawl(t, testsite.Serve(t, web{
		"/": page("/2"), "/2": page("/3"), "/3": page("/"), "/app.js": `history.pushState(null, "", "/route")`,
		"/route": complete(),
	}), renderMode(crawler.RenderAlways)), new(fakeBrowser)).root()
	c.finish()
	c.wantRequests(map[string]int{"/app.js": 1, "/route": 1})
	if rec := c.record("/route"); rec.Referrer != c.site.URL(0, "/") {
		t.Errorf("the route was found at %q", rec.Referrer)
	}
}

func TestARedirectByAScriptIsALink(t *testing.T) {
	t.Parallel()
	c := rendering(newCrawl(t, testsite.Serve(t, web{"/": shell(`location.href = "/there"`), "/there": complete()}),
		renderMode(crawler.RenderAuto)), new(fakeBrowser)).root()
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 2})
	c.wantRequests(map[string]int{"/there": 1})
	if rec := c.record("/there"); rec.Depth != 1 {
		t.Errorf("the target is at depth %d, want 1", rec.Depth)
	}
}

func TestAPageIsRenderedAgainWhenItsBrowserIsLost(t *testing.T) {
	t.Parallel()
	browser := new(fakeBrowser)
	browser.lost.Store(2)
	pages := web{"/": shell(`show("/api")`), "/api": `<a href="/x">x</a>`, "/x": complete()}
	c := rendering(newCrawl(t, testsite.Serve(t, pages), renderMode(crawler.RenderAuto)), browser).root()
	c.finish()
	if rec := c.record("/"); rec.Rendered.Error != "" || rec.Links != 1 {
		t.Errorf("the page has %v links, rendered as %+v", rec.Links, rec.Rendered)
	}
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 2})
}

func TestAPageThatCannotBeRenderedKeepsItsMarkup(t *testing.T) {
	t.Parallel()
	browser := new(fakeBrowser)
	browser.crashes.Store(true)
	c := rendering(newCrawl(t, testsite.Serve(t, web{"/": shell(`show("/api")`) + links("/x"), "/x": complete()}),
		renderMode(crawler.RenderAlways)), browser).root()
	c.finish()
	if rec := c.record("/"); rec.Rendered.Error != render.ErrCrashed.Error() || rec.Links != 1 ||
		rec.Outcome != crawler.OutcomeFetched {
		t.Errorf("the page is %s with %v links, rendered as %+v", rec.Outcome, rec.Links, rec.Rendered)
	}
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 2})
}

func TestAPageReturnsToTheQueueWhenItsVisitEndsWhileItIsRendered(t *testing.T) {
	t.Parallel()
	browser := &fakeBrowser{began: make(chan struct{}, 8)}
	site := testsite.Serve(t, web{"/": shell(`show("/slow")`), "/slow": "slow"})
	reached, release := site.Hang("/slow")
	defer release()
	c := rendering(newCrawl(t, site, renderMode(crawler.RenderAuto)), browser).root()
	c.cfg.Grace = time.Millisecond
	drain := make(chan struct{})
	go func() {
		<-browser.began
		<-reached
		close(drain)
	}()
	report := c.visit(t.Context(), drain)
	if report.Ending != queue.EndDrained || report.Pages != 0 {
		t.Errorf("the visit ends as %s with %d pages", report.Ending, report.Pages)
	}
	if n := c.counters(); n.Waiting != 1 || n.Flight != 0 {
		t.Errorf("%d URLs wait and %d are in flight, want 1 and 0", n.Waiting, n.Flight)
	}
}

func TestAPageInTheBrowserIsDoneAlthoughTheTimeOfItsVisitIsOver(t *testing.T) {
	t.Parallel()
	browser := &fakeBrowser{began: make(chan struct{}, 8)}
	site := testsite.Serve(t, web{"/": shell(`show("/slow")`, `show("/more")`), "/slow": "slow",
		"/more": `<a href="/x"></a>`, "/x": complete()})
	reached, release := site.Hang("/slow")
	defer release()
	c := rendering(newCrawl(t, site, renderMode(crawler.RenderAuto)), browser).root()
	c.cfg.Time = 2 * time.Second
	go func() {
		<-browser.began
		<-reached
		time.Sleep(2 * c.cfg.Time) // the time of the visit, which began before, is over
		release()
	}()
	c.finish()
	c.wantRequests(map[string]int{"/": 1, "/slow": 1, "/more": 1, "/x": 1})
	if rec := c.record("/"); rec.Rendered == nil || rec.Rendered.Requests != 2 {
		t.Errorf("the page was rendered as %+v", rec.Rendered)
	}
}

func TestWhatRenderingTeachesHoldsForOtherWorkers(t *testing.T) {
	t.Parallel()
	pages, paths := web{}, []string(nil)
	for i := range 12 {
		path := fmt.Sprintf("/blog/post-%d", i)
		pages[path], paths = complete(), append(paths, path)
	}
	c := rendering(newCrawl(t, testsite.Serve(t, pages), renderMode(crawler.RenderAuto)), new(fakeBrowser))
	c.seed(paths[:6]...).finish()
	if n := c.tried(paths[:6]); n != 3 {
		t.Errorf("the first worker tried %d of 6 pages of a static pattern, want 3", n)
	}
	rendering(c, new(fakeBrowser)).seed(paths[6:]...).finish()
	if n := c.tried(paths[6:]); n != 0 {
		t.Errorf("another worker tried %d of 6 more pages, want none", n)
	}
}

// tried returns how many pages were rendered to learn whether pages like them need it. Others may be
// rendered as samples, which depends on their URLs, and so on the port of the site.
func (c *crawl) tried(paths []string) (n int) {
	c.t.Helper()
	for _, path := range paths {
		switch rendered := c.record(path).Rendered; {
		case rendered == nil || rendered.Why == "sample":
		case rendered.Why == "try":
			n++
		default:
			c.t.Errorf("%s was rendered because of %q", path, rendered.Why)
		}
	}
	return n
}

func TestAnArchiveHasEveryExchangeOfAPage(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/": shell(`show("/api")`), "/api": "words"}),
		renderMode(crawler.RenderAlways, func(j *crawler.Job) { j.Format = []string{"warc"} }))
	sink := &trailSink{memorySink: c.sink}
	c.tools.Sink = sink
	rendering(c, new(fakeBrowser)).root().finish()
	want := []string{"/robots.txt", "/api", "/"}
	if diff := cmp.Diff(want, sink.recorded); diff != "" {
		t.Errorf("recorded exchanges (-want +got):\n%s", diff)
	}
}

// trailSink notes the paths of the exchanges that an archive gets.
type trailSink struct {
	*memorySink
	recorded []string
}

func (s *trailSink) Keep(ctx context.Context, results []*fetched.Result) error {
	for _, r := range results {
		for _, p := range append(slices.Clone(r.Trail), r.Page) {
			if p.Recording != nil {
				s.recorded = append(s.recorded, p.URL.Path())
			}
		}
	}
	return s.memorySink.Keep(ctx, results)
}

func TestPagesWithTheSameMarkupAreNoCopiesIfTheyShowOtherThings(t *testing.T) {
	t.Parallel()
	pages, paths := web{}, []string(nil)
	app := `<title>app</title><div id="root"></div><script src="/app.js"></script>` // the same for all
	for i := range 20 {
		path := fmt.Sprintf("/app/%d", i)
		pages[path], paths = app, append(paths, path)
	}
	pages["/app.js"] = `show("/api")`
	c := newCrawl(t, testsite.Serve(t, pages), renderMode(crawler.RenderAlways,
		func(j *crawler.Job) { j.Duplicates = true }))
	rendering(c, urlBrowser{new(fakeBrowser)}).seed(paths...).finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 20})
	for _, rec := range c.sink.records() {
		if rec.DuplicateOf != "" {
			t.Errorf("%s is recorded as a copy of %s", rec.URL, rec.DuplicateOf)
		}
	}
}

// urlBrowser shows the URL of each page in the page.
type urlBrowser struct{ *fakeBrowser }

func (b urlBrowser) Render(ctx context.Context, r render.Request) (*render.Result, error) {
	result, err := b.fakeBrowser.Render(ctx, r)
	if err == nil {
		result.HTML = append(result.HTML, "<h1>This is "+r.URL+"</h1>"...)
	}
	return result, err
}

func TestHandlersCanHaveTheirPageRendered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode crawler.RenderMode
		fail string
	}{
		"in a job that renders":      {crawler.RenderAuto, ""},
		"in a job that renders none": {"", "the job renders no pages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before, after string
			var failed error
			h := &fakeHandlers{at: map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
				"/": func(ctx context.Context, h visit.HandlerPage) (visit.Yield, error) {
					before = string(h.Page.Body.Head)
					page, doc, err := h.Render(ctx)
					if failed = err; err == nil {
						after = string(page.Body.Head)
						if doc.Tree == nil || len(doc.Links) != 1 {
							t.Errorf("the document has the links %v and the tree %v", doc.Links, doc.Tree)
						}
					}
					return visit.Yield{}, nil
				},
			}}
			// The page has no script, so that only the handler has it rendered.
			page := `<title>t</title><div data-show='show("/api")'></div>`
			crawl := newCrawl(t, testsite.Serve(t, web{"/": page, "/api": `<a href="/x">x</a>`, "/x": complete()}),
				renderMode(c.mode, func(j *crawler.Job) { j.Handlers = []string{"h"} }))
			crawl.tools.Handlers = h
			rendering(crawl, new(fakeBrowser)).root().finish()
			if c.fail != "" {
				if failed == nil || !strings.Contains(failed.Error(), c.fail) {
					t.Errorf("the error is %v, want %q", failed, c.fail)
				}
				return
			}
			if failed != nil || before != page || !strings.Contains(after, "/x") {
				t.Errorf("before: %q, after: %q, error: %v", before, after, failed)
			}
			if rec := crawl.record("/"); rec.Rendered == nil || rec.Rendered.Why != "handler" || rec.Links != 1 {
				t.Errorf("the page has %v links, rendered as %+v", rec.Links, rec.Rendered)
			}
			crawl.wantRequests(map[string]int{"/x": 1})
		})
	}
}

func TestHandlersGetThePageAsItIsShown(t *testing.T) {
	t.Parallel()
	var got string
	handlers := &fakeHandlers{at: map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
		"/": func(_ context.Context, h visit.HandlerPage) (visit.Yield, error) {
			got = string(h.Page.Body.Head)
			return visit.Yield{}, nil
		},
	}}
	c := newCrawl(t, testsite.Serve(t, web{"/": shell(`show("/api")`), "/api": "the words"}),
		renderMode(crawler.RenderAlways, func(j *crawler.Job) { j.Handlers = []string{"h"} }))
	c.tools.Handlers = handlers
	rendering(c, new(fakeBrowser)).root().finish()
	if !strings.Contains(got, "the words") {
		t.Errorf("the handlers got %q", got)
	}
}

// memoryJournal is a journal in memory.
type memoryJournal struct {
	mu       sync.Mutex
	requests []fetched.Exchange
}

func (j *memoryJournal) Note(_ context.Context, requests []fetched.Exchange) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests = append(j.requests, requests...)
	return nil
}

// all returns the requests, in the order of their start.
func (j *memoryJournal) all() []fetched.Exchange {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := slices.Clone(j.requests)
	slices.SortFunc(all, func(a, b fetched.Exchange) int { return a.Start.Compare(b.Start) })
	return all
}
