package trawl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/tasks"
)

// pageMap serves HTML pages by their path.
type pageMap map[string]string

func (w pageMap) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	page, ok := w[r.RequestURI]
	if !ok {
		http.NotFound(out, r)
		return
	}
	kind := "text/html; charset=utf-8"
	if name, _, found := strings.Cut(r.RequestURI, "."); found && name != "" {
		kind = "" // detected by net/http
	}
	if kind != "" {
		out.Header().Set("Content-Type", kind)
	}
	fmt.Fprint(out, page)
}

// localSite is a site and the settings with which to crawl it.
type localSite struct {
	t    *testing.T
	site *testsite.Site
	job  trawl.Job
	cfg  trawl.Config
	log  *testfleet.Transcript
}

func newLocalSite(t *testing.T, pages pageMap, seeds ...string) *localSite {
	t.Helper()
	b := &localSite{t: t, site: testsite.Serve(t, pages), job: trawl.NewJob(redistest.Name(t)),
		log: testfleet.NewTranscript()}
	for _, path := range seeds {
		b.job.Seeds = append(b.job.Seeds, b.site.URL(0, path))
	}
	b.job.Delay, b.job.RetryPause = 0, time.Millisecond
	b.cfg = trawl.Config{Redis: redistest.New(t), Out: t.TempDir(), Log: logTo(b.log)}
	return b
}

func (b *localSite) crawl(handlers ...*trawl.Handlers) trawl.Stats {
	b.t.Helper()
	n, err := trawl.Crawl(testfleet.Patience(b.t), b.job, b.cfg, handlers...)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log.Text())
	}
	return n
}

// records returns the job's records by path.
func (b *localSite) records() map[string]crawler.Record {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.cfg.Out, b.job.Name, "pages-*.jsonl"))
	if err != nil {
		b.t.Fatal(err)
	}
	all := make(map[string]crawler.Record)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			b.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var r crawler.Record
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				b.t.Fatal(err)
			}
			all[strings.TrimPrefix(r.URL, b.site.URL(0, ""))] = r
		}
	}
	return all
}

func TestAPageReportsAllThatIsKnownAboutIt(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{
		"/":         `<a href="/shop">shop</a>`,
		"/shop":     `<title>Shop</title><base href="/deep/"><h1>Hello</h1><a href="one#part">1</a><a href="mailto:x@y">2</a>`,
		"/deep/one": `<title>One</title>`,
	}, "/")
	b.job.Select = []string{"heading=h1"}
	got := make(map[string]any)
	h := trawl.NewHandlers("tell")
	h.OnPage("/shop$", func(_ context.Context, p *trawl.Page) error {
		resolved, err := p.Resolve("two?x=1#y")
		_, bad := p.Resolve("javascript:x")
		body := new(strings.Builder)
		_, _ = fmt.Fprint(body, p.Size() > 0, p.Body() != nil)
		for k, v := range map[string]any{
			"url": p.URL(), "asked": p.RequestURL(), "job": p.Job(), "via": p.Referrer(), "depth": p.Depth(),
			"status": p.Status(), "type": p.Type(),
			"title": p.Title(), "fields": fmt.Sprint(p.Fields()), "links": strings.Join(p.Links(), " "),
			"heading": p.Find("h1").Text(), "resolved": resolved,
			"header": p.Header().Get("Content-Type"), "truncated": p.Truncated(), "body": body.String(),
		} {
			got[k] = v
		}
		if err != nil || bad == nil {
			t.Errorf("references resolve with %v and %v", err, bad)
		}
		return nil
	})
	b.crawl(h)
	at := func(path string) string { return b.site.URL(0, path) }
	want := map[string]any{
		"url": at("/shop"), "asked": at("/shop"), "job": b.job.Name, "via": at("/"), "depth": 1, "status": 200,
		"type":  "text/html",
		"title": "Shop", "fields": "map[heading:Hello]", "links": at("/deep/one"), "heading": "Hello",
		"resolved": at("/deep/two?x=1"),
		"header":   "text/html; charset=utf-8", "truncated": false, "body": "true true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the page's fields (-want +got):\n%s", diff)
	}
}

func TestHandlersGetMatchingPagesInTheirOrder(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{
		"/":         `<a href="/a">a</a><a href="/b.txt">b</a><img src="/c.png"><p>1</p><p>2</p>`,
		"/a":        `<p>3</p>`,
		"/b.txt":    `plain <p>4</p> text`,
		"/c.png":    "\x89PNG\r\n\x1a\n",
		"/unlinked": `<p>5</p>`,
	}, "/")
	b.job.Resources = true
	var mu sync.Mutex
	got := make(map[string][]string)
	say := func(what string) trawl.PageFunc {
		return func(_ context.Context, p *trawl.Page) error {
			mu.Lock()
			defer mu.Unlock()
			path := strings.TrimPrefix(p.URL(), b.site.URL(0, ""))
			got[path] = append(got[path], what)
			return nil
		}
	}
	h := trawl.NewHandlers("all")
	h.OnPage("", say("any"))
	h.OnHTML("p", func(ctx context.Context, p *trawl.Page, s *goquery.Selection) error {
		return say(s.Text())(ctx, p)
	})
	h.OnPage(`/[ab]`, say("a or b"))
	h.OnType("text/plain", say("text"))
	h.OnType("image/*", say("image"))
	h.OnPage("", func(_ context.Context, p *trawl.Page) error {
		if p.Find("p").Length() > 0 == (p.Type() != "text/html") {
			return fmt.Errorf("%s of type %s has %d paragraphs", p.URL(), p.Type(), p.Find("p").Length())
		}
		return nil
	})
	counters := b.crawl(h)
	want := map[string][]string{
		"/": {"any", "1", "2"}, "/a": {"any", "3", "a or b"}, "/b.txt": {"any", "a or b", "text"},
		"/c.png": {"any", "image"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("called (-want +got):\n%s", diff)
	}
	if counters.Pages() != 4 {
		t.Errorf("outcomes %v, want 4 pages", counters.Outcomes)
	}
}

func TestWhatCannotBeDoneWithAPageFailsItAndSaysWhy(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": `<a href="/emit">1</a><a href="/task">2</a><a href="/queue">3</a><a href="/seed">4</a><a href="/nojob">5</a><a href="/job">6</a><a href="/deep">7</a><a href="/soon">8</a>`,
		"/emit": "x", "/task": "x", "/queue": "x", "/seed": "x", "/nojob": "x", "/job": "x", "/soon": "x",
		"/deep": strings.Repeat("<div>", 600)}, "/")
	b.job.Retries = 1
	h := trawl.NewHandlers("bad")
	on := func(path string, do func(p *trawl.Page) error) {
		h.OnPage(path+"$", func(_ context.Context, p *trawl.Page) error { return do(p) })
	}
	on("/emit", func(p *trawl.Page) error { p.Emit(make(chan int)); return nil })
	on("/task", func(p *trawl.Page) error { return p.Enqueue(asynq.NewTask(" ", nil)) })
	on("/queue", func(p *trawl.Page) error { return p.Enqueue(asynq.NewTask("t", nil, asynq.Queue(" "))) })
	on("/seed", func(p *trawl.Page) error { return p.Seed(b.job.Name, "nowhere") })
	on("/soon", func(p *trawl.Page) error { return p.SeedWith("soon", b.job.Name, p.URL()) })
	on("/nojob", func(p *trawl.Page) error { return p.Seed("never-created", p.URL()) })
	on("/job", func(p *trawl.Page) error { return p.CreateJob(trawl.NewJob("Bad Name")) })
	on("/deep", func(p *trawl.Page) error { p.Find("div"); return nil })
	b.crawl(h)
	for path, want := range map[string]string{
		"/emit":  "handlers bad: emit an item of type chan int: json: unsupported type: chan int: it is not retried",
		"/task":  "handlers bad: enqueue a task: task typename cannot be empty: it is not retried",
		"/queue": "handlers bad: enqueue a task: queue name must contain one or more characters: it is not retried",
		"/seed":  `seed job ` + b.job.Name + `: "nowhere" is not a URL`,
		"/soon": `handlers bad: seed job ` + b.job.Name +
			`: "soon" is not a priority: want urgent, high, normal or low: it is not retried`,
		"/nojob": `handlers bad: seed: job "never-created": there is no job of this name (tried 2 times)`,
		"/job":   `handlers bad: create job "Bad Name": Job.Name: "Bad Name" is out of range`,
		"/deep":  "handlers bad: its elements cannot be selected: elements are nested more than 512 deep: it is not retried",
	} {
		if r := b.records()[path]; r.Outcome != crawler.OutcomeFailed || !strings.Contains(r.Error, want) {
			t.Errorf("%s is %s: %q, want failed: %q", path, r.Outcome, r.Error, want)
		}
	}
}

func TestAPageWhoseHandlersWereTooSlowToBuildItsTreeIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "<p>x"}, "/")
	b.cfg.HandlerTime = 50 * time.Millisecond
	b.job.Retries = 1
	h := trawl.NewHandlers("slow")
	late := make(chan error, 2)
	h.OnPage("", func(ctx context.Context, p *trawl.Page) error {
		<-ctx.Done()
		_, err := p.Document()
		late <- err
		return err
	})
	b.crawl(h)
	for range 2 {
		if err := <-late; err == nil || errors.Is(err, trawl.SkipRetry) {
			t.Errorf("a tree that there was no time for fails with %v, want an error that is tried again", err)
		}
	}
}

func TestASinkThatFailsGetsThePagesAgain(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	var calls int
	var got []string
	h := trawl.NewHandlers("store")
	h.OnPage("", func(_ context.Context, p *trawl.Page) error { p.Emit(Title{"one"}); return nil })
	h.Sink(func(_ context.Context, results []trawl.Result) error {
		switch calls++; calls {
		case 1:
			return errors.New("the database is locked")
		case 2:
			panic("the database is on fire")
		case 3:
			runtime.Goexit()
		}
		for _, r := range results {
			got = append(got, fmt.Sprint(r.URL, " ", r.Outcome, " ", r.Emitted, " ", string(r.Items[0])))
		}
		return nil
	})
	b.cfg = trawl.WithKeepPause(b.cfg, time.Millisecond)
	counters := b.crawl(h)
	if want := []string{b.site.URL(0, "/") + ` fetched [{one}] {"title":"one"}`}; !slices.Equal(got, want) {
		t.Errorf("the sink got %q, want %q", got, want)
	}
	if counters.Pages() != 1 || counters.Outcomes[crawler.OutcomeRetry] != 0 {
		t.Errorf("outcomes %v: a failing sink must not fail its page", counters.Outcomes)
	}
	for _, output := range []string{"the database is locked", "it panicked: the database is on fire",
		"it ended its goroutine (runtime.Goexit)"} {
		if !strings.Contains(b.log.Text(), output) {
			t.Errorf("the log does not say %q", output)
		}
	}
}

func TestWhatAHandlerDoesAfterItHasReturnedIsReported(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": `<a href="/one">1</a>`, "/one": "1", "/late": "2"}, "/")
	var late sync.WaitGroup
	returned := make(chan struct{})
	h := trawl.NewHandlers("hasty")
	h.OnPage("/$", func(_ context.Context, p *trawl.Page) error {
		p.Emit(Title{"in time"})
		late.Go(func() {
			<-returned
			p.Emit(Title{"late"})
			if p.Follow("/late").OK() {
				t.Error("a link is reported as followed after its page's handlers returned")
			}
			for verb, err := range map[string]error{
				"Seed": p.Seed(b.job.Name, b.site.URL(0, "/late")), "CreateJob": p.CreateJob(trawl.NewJob("late")),
				"Enqueue": p.Enqueue(asynq.NewTask("late", nil)),
			} {
				if err == nil || !strings.Contains(err.Error(), "have returned") || !errors.Is(err, trawl.SkipRetry) {
					t.Errorf("%s after the handlers have returned: %v", verb, err)
				}
			}
		})
		return nil
	})
	h.Sink(func(_ context.Context, results []trawl.Result) error { // The handlers of "/" have returned by now.
		for _, r := range results {
			if strings.HasSuffix(r.URL, "/") {
				close(returned)
				late.Wait()
			}
		}
		return nil
	})
	b.crawl(h)
	if got := fmt.Sprintf("%s", b.records()["/"].Items); got != `[{"title":"in time"}]` || len(b.records()) != 2 {
		t.Errorf("the page has items %s in %d records", got, len(b.records()))
	}
	if text := b.log.Text(); strings.Count(text, "after the handlers of the page had returned") != 1 ||
		!strings.Contains(text, "verb=Emit") {
		t.Errorf("the log says\n%s", text)
	}
}

func TestAPageSeedsItsOwnJobBeyondItsScope(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x", "/other": "x"}, "/")
	b.job.Depth = 0
	h := trawl.NewHandlers("seed")
	h.OnPage("/$", func(_ context.Context, p *trawl.Page) error {
		if p.Follow("/other").OK() {
			t.Error("a link beyond the depth limit belongs to the job")
		}
		return p.SeedWith(trawl.PriorityUrgent, p.Job(), b.site.URL(0, "/other"))
	})
	if n := b.crawl(h); n.Pages() != 2 {
		t.Errorf("%d pages, want 2", n.Pages())
	}
}

func TestACrawlGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	pages := pageMap{"/": ""}
	for i := range 30 {
		path := fmt.Sprint("/", i)
		pages["/"] += fmt.Sprintf("<a href=%q>x</a>", path)
		pages[path] = "x"
	}
	b := newLocalSite(t, pages, "/")
	b.cfg.Redis = "" // the crawl requests a Redis of its own
	ctx, interrupt := context.WithCancel(testfleet.Patience(t))
	seen := 0
	h := trawl.NewHandlers("slow")
	h.OnPage("", func(context.Context, *trawl.Page) error {
		if seen++; seen == 10 {
			interrupt()
		}
		return nil
	})
	if _, err := trawl.Crawl(ctx, b.job, b.cfg, h); !errors.Is(err, context.Canceled) {
		t.Fatalf("the crawl ended with %v, want an interruption", err)
	}
	if n := b.crawl(h); n.Pages() != 31 {
		t.Errorf("%d pages, want 31", n.Pages())
	}
	if n := len(b.site.Requests()); n > 33 { // robots.txt is fetched once or twice
		t.Errorf("the site was asked %d times for 31 pages", n)
	}

	_, err := trawl.Crawl(t.Context(), b.job, b.cfg, h)
	if !errors.Is(err, queue.ErrJobEnded) || !strings.Contains(err.Error(), "Config.Restart") {
		t.Errorf("the job is crawled again: %v", err)
	}
	b.cfg.Restart = true
	if n := b.crawl(h); n.Pages() != 31 {
		t.Errorf("%d pages from the start, want 31", n.Pages())
	}
	aside, err := filepath.Glob(filepath.Join(b.cfg.Out, b.job.Name, "earlier-*", "pages-*.jsonl"))
	if err != nil || len(aside) == 0 {
		t.Errorf("the earlier results were not moved aside (%v)", err)
	}
}

func TestACancelledCrawlOverASharedRedisPausesItsJob(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(30), "/")
	cause := errors.New("the program has other plans")
	ctx, interrupt := context.WithCancelCause(testfleet.Patience(t))
	var seen atomic.Int64
	h := trawl.NewHandlers("slow")
	h.OnPage("", func(context.Context, *trawl.Page) error {
		if seen.Add(1) == 5 {
			interrupt(cause)
		}
		return nil
	})
	n, err := trawl.Crawl(ctx, b.job, b.cfg, h)
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) || n.Seen == 0 {
		t.Errorf("the crawl of %d URLs ended with %v, want its cause", n.Seen, err)
	}
	client, err := trawl.Connect(t.Context(), b.cfg.Redis)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if status, err := client.Status(t.Context(), b.job.Name); err != nil || status.State != trawl.StatePaused ||
		status.Reason != "its crawl was interrupted" {
		t.Errorf("the job is %s: %s (%v)", status.State, status.Reason, err)
	}
	if n := b.crawl(h); n.Pages() != 30 {
		t.Errorf("%d pages, want 30", n.Pages())
	}
}

func TestACrawlOverASharedRedisIsRestartedToo(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	h := trawl.NewHandlers("none")
	b.crawl(h)
	b.cfg.Restart = true
	b.crawl(h)
	if n := b.site.Count("/"); n != 2 {
		t.Errorf("the page was requested %d times, want twice", n)
	}
	client, err := tasks.Open(t.Context(), b.cfg.Redis)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	status, err := client.Status(t.Context(), b.job.Name)
	if err != nil || status.State != crawler.StateDone {
		t.Errorf("the job is %s (%v)", status.State, err)
	}
}

func TestWhatCannotBeCrawledIsRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	job := trawl.NewJob("shop", "https://shop.example/")
	for name, test := range map[string]struct {
		job      func(*trawl.Job)
		cfg      trawl.Config
		handlers func() []*trawl.Handlers
		want     string
	}{
		"a pattern": {want: "handlers shop: OnPage(\"(\"): error parsing regexp", handlers: func() []*trawl.Handlers {
			h := trawl.NewHandlers("shop")
			h.OnPage("(", nil)
			return []*trawl.Handlers{h}
		}},
		"a selector": {want: `handlers shop: OnHTML("div[")`, handlers: func() []*trawl.Handlers {
			h := trawl.NewHandlers("shop")
			h.OnHTML("div[", nil)
			h.OnPage("(", nil) // only the first problem is reported
			return []*trawl.Handlers{h}
		}},
		"a type": {want: `handlers shop: OnType("pdf"): want a type such as application/pdf`,
			handlers: func() []*trawl.Handlers {
				h := trawl.NewHandlers("shop")
				h.OnType("pdf", nil)
				return []*trawl.Handlers{h}
			}},
		"a name": {want: `handlers: "My Shop" is not a valid name`, handlers: func() []*trawl.Handlers {
			return []*trawl.Handlers{trawl.NewHandlers("My Shop")}
		}},
		"two of a name": {want: `two sets have the name "shop"`, handlers: func() []*trawl.Handlers {
			return []*trawl.Handlers{trawl.NewHandlers("shop"), trawl.NewHandlers("shop")}
		}},
		"handlers that are not brought": {want: `job "shop": the program does not provide all handlers of the job: other`,
			job: func(j *trawl.Job) {
				j.Handlers = []string{"other"}
			}},
		"a setting":     {want: "Job.Depth", job: func(j *trawl.Job) { j.Depth = -2 }},
		"a seed":        {want: `"nowhere" is not a URL`, job: func(j *trawl.Job) { j.Seeds = []string{"nowhere"} }},
		"no seed":       {want: "job shop has no seeds", job: func(j *trawl.Job) { j.Seeds = nil }},
		"a schedule":    {want: "job shop has a schedule", job: func(j *trawl.Job) { j.Schedule = "@daily" }},
		"a place":       {want: "Config.HandlerPlaces: -1 is out of range", cfg: trawl.Config{HandlerPlaces: -1}},
		"a concurrency": {want: "Config.Concurrency: -5 is out of range", cfg: trawl.Config{Concurrency: -5}},
		"a budget":      {want: "Config.RedisBudget: -1 is out of range", cfg: trawl.Config{RedisBudget: -1}},
		"a Redis":       {want: "nonsense", cfg: trawl.Config{Redis: "nonsense"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job, out := job, filepath.Join(t.TempDir(), "out")
			if test.job != nil {
				test.job(&job)
			}
			var handlers []*trawl.Handlers
			if test.handlers != nil {
				handlers = test.handlers()
			}
			cfg := test.cfg
			cfg.Out = out
			_, err := trawl.Crawl(t.Context(), job, cfg, handlers...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the output folder was created (%v)", err)
			}
		})
	}
	if err := trawl.Work(t.Context(), trawl.Config{}); err == nil ||
		!strings.Contains(err.Error(), "Config.Redis is empty") {
		t.Errorf("a worker without a fleet: %v", err)
	}
}

func TestSaveLeavesNothingTornBehind(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "content"}, "/")
	b.job.Retries = 0
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file", "below") // make the target path unusable
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h := trawl.NewHandlers("save")
	h.OnPage("", func(_ context.Context, p *trawl.Page) error {
		if err := p.Save(filepath.Join(dir, "a", "b", "page.html")); err != nil {
			return err
		}
		if err := p.Save(filepath.Join(dir, "a", "b")); err == nil {
			t.Error("a file replaced a folder")
		}
		return p.Save(blocked)
	})
	b.crawl(h)
	text, err := os.ReadFile(filepath.Join(dir, "a", "b", "page.html"))
	if err != nil || string(text) != "content" {
		t.Errorf("the file holds %q (%v)", text, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", ".saving*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v were left behind (%v)", left, err)
	}
	if r := b.records()["/"]; !strings.Contains(r.Error, "save "+b.site.URL(0, "/")) {
		t.Errorf("the record says %q", r.Error)
	}
}
