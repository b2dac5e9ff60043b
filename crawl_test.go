package trawl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
	"github.com/trawlcrawler/trawl/internal/testfleet"
	"github.com/trawlcrawler/trawl/internal/testsite"
	"github.com/trawlcrawler/trawl/tasks"
)

// web serves pages of HTML by their path.
type web map[string]string

func (w web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	page, ok := w[r.RequestURI]
	if !ok {
		http.NotFound(out, r)
		return
	}
	kind := "text/html; charset=utf-8"
	if name, _, found := strings.Cut(r.RequestURI, "."); found && name != "" {
		kind = "" // as Go finds out
	}
	if kind != "" {
		out.Header().Set("Content-Type", kind)
	}
	fmt.Fprint(out, page)
}

// workbench is a site with a place to crawl it from.
type workbench struct {
	t    *testing.T
	site *testsite.Site
	job  trawl.Job
	cfg  trawl.Config
	log  *testfleet.Transcript
}

func newWorkbench(t *testing.T, pages web, seeds ...string) *workbench {
	t.Helper()
	b := &workbench{t: t, site: testsite.Serve(t, pages), job: trawl.NewJob(redistest.Name(t)), log: testfleet.NewTranscript()}
	for _, path := range seeds {
		b.job.Seeds = append(b.job.Seeds, b.site.URL(0, path))
	}
	b.job.Delay, b.job.RetryPause = 0, trawl.Duration(time.Millisecond)
	b.cfg = trawl.Config{Redis: redistest.New(t), Out: t.TempDir(), Log: logTo(b.log)}
	return b
}

func (b *workbench) crawl(handlers ...*trawl.Handlers) trawl.Counters {
	b.t.Helper()
	n, err := trawl.Crawl(testfleet.Patience(b.t), b.job, b.cfg, handlers...)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log.Text())
	}
	return n
}

// records are those of the job, by path.
func (b *workbench) records() map[string]crawler.Record {
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

func TestAPageTellsAllThatIsKnownOfIt(t *testing.T) {
	t.Parallel()
	b := newWorkbench(t, web{
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
			"url": p.URL(), "asked": p.Asked(), "job": p.Job(), "via": p.Via(), "depth": p.Depth(), "status": p.Status(), "type": p.Type(),
			"title": p.Title(), "fields": fmt.Sprint(p.Fields()), "links": strings.Join(p.Links(), " "), "heading": p.Find("h1").Text(), "resolved": resolved,
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
		"url": at("/shop"), "asked": at("/shop"), "job": b.job.Name, "via": at("/"), "depth": 1, "status": 200, "type": "text/html",
		"title": "Shop", "fields": "map[heading:Hello]", "links": at("/deep/one"), "heading": "Hello", "resolved": at("/deep/two?x=1"),
		"header": "text/html; charset=utf-8", "truncated": false, "body": "true true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the page (-want +got):\n%s", diff)
	}
}

func TestFunctionsGetThePagesThatTheyAreForInTheirOrder(t *testing.T) {
	t.Parallel()
	b := newWorkbench(t, web{
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
	numbers := b.crawl(h)
	want := map[string][]string{
		"/": {"any", "1", "2"}, "/a": {"any", "3", "a or b"}, "/b.txt": {"any", "a or b", "text"}, "/c.png": {"any", "image"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("called (-want +got):\n%s", diff)
	}
	if numbers.Pages() != 4 {
		t.Errorf("outcomes %v, want 4 pages", numbers.Outcomes)
	}
}

func TestWhatCanNotBeDoneWithAPageFailsItAndSaysWhy(t *testing.T) {
	t.Parallel()
	b := newWorkbench(t, web{"/": `<a href="/emit">1</a><a href="/task">2</a><a href="/queue">3</a><a href="/seed">4</a><a href="/nojob">5</a><a href="/job">6</a><a href="/deep">7</a><a href="/soon">8</a>`,
		"/emit": "x", "/task": "x", "/queue": "x", "/seed": "x", "/nojob": "x", "/job": "x", "/soon": "x", "/deep": strings.Repeat("<div>", 600)}, "/")
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
		"/emit":  "handlers bad: emit an item of type chan int: json: unsupported type: chan int: it is not tried again",
		"/task":  "handlers bad: enqueue a task: task typename cannot be empty: it is not tried again",
		"/queue": "handlers bad: enqueue a task: queue name must contain one or more characters: it is not tried again",
		"/seed":  `seed job ` + b.job.Name + `: "nowhere" is not a URL`,
		"/soon":  `handlers bad: seed job ` + b.job.Name + `: "soon" is not a priority: want urgent, high, normal or low: it is not tried again`,
		"/nojob": `handlers bad: seed: job "never-created": there is no job of this name (tried 2 times)`,
		"/job":   `handlers bad: create job "Bad Name": name: "Bad Name" is out of range`,
		"/deep":  "handlers bad: its elements can not be selected: elements are nested more than 512 deep: it is not tried again",
	} {
		if r := b.records()[path]; r.Outcome != crawler.OutcomeFailed || !strings.Contains(r.Error, want) {
			t.Errorf("%s is %s: %q, want failed: %q", path, r.Outcome, r.Error, want)
		}
	}
}

func TestASinkThatFailsGetsThePagesAgain(t *testing.T) {
	t.Parallel()
	b := newWorkbench(t, web{"/": "x"}, "/")
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
		}
		for _, r := range results {
			got = append(got, fmt.Sprint(r.URL, " ", r.Outcome, " ", r.Emitted, " ", string(r.Items[0])))
		}
		return nil
	})
	numbers := b.crawl(h)
	if want := []string{b.site.URL(0, "/") + ` fetched [{one}] {"title":"one"}`}; !slices.Equal(got, want) {
		t.Errorf("the sink got %q, want %q", got, want)
	}
	if numbers.Pages() != 1 || numbers.Outcomes[crawler.OutcomeRetry] != 0 {
		t.Errorf("outcomes %v: a page is not to blame for its sink", numbers.Outcomes)
	}
	for _, said := range []string{"the database is locked", "it panicked: the database is on fire"} {
		if !strings.Contains(b.log.Text(), said) {
			t.Errorf("the log does not say %q", said)
		}
	}
}

func TestAPageSeedsItsOwnJobBeyondItsScope(t *testing.T) {
	t.Parallel()
	b := newWorkbench(t, web{"/": "x", "/other": "x"}, "/")
	b.job.Depth = 0
	h := trawl.NewHandlers("seed")
	h.OnPage("/$", func(_ context.Context, p *trawl.Page) error {
		if p.Follow("/other") {
			t.Error("a link that is too deep belongs to the job")
		}
		return p.SeedWith(trawl.PriorityUrgent, p.Job(), b.site.URL(0, "/other"))
	})
	if n := b.crawl(h); n.Pages() != 2 {
		t.Errorf("%d pages, want 2", n.Pages())
	}
}

func TestACrawlGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	pages := web{"/": ""}
	for i := range 30 {
		path := fmt.Sprint("/", i)
		pages["/"] += fmt.Sprintf("<a href=%q>x</a>", path)
		pages[path] = "x"
	}
	b := newWorkbench(t, pages, "/")
	b.cfg.Redis = "" // one of its own
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
		t.Fatalf("the crawl ended with %v, want that it was interrupted", err)
	}
	if n := b.crawl(h); n.Pages() != 31 {
		t.Errorf("%d pages, want 31", n.Pages())
	}
	if n := len(b.site.Requests()); n > 33 { // robots.txt once or twice
		t.Errorf("the site was asked %d times for 31 pages", n)
	}

	_, err := trawl.Crawl(t.Context(), b.job, b.cfg, h)
	if !errors.Is(err, crawler.ErrJobEnded) || !strings.Contains(err.Error(), "Config.Restart") {
		t.Errorf("the job is crawled again: %v", err)
	}
	b.cfg.Restart = true
	if n := b.crawl(h); n.Pages() != 31 {
		t.Errorf("%d pages from the start, want 31", n.Pages())
	}
	aside, err := filepath.Glob(filepath.Join(b.cfg.Out, b.job.Name, "earlier-*", "pages-*.jsonl"))
	if err != nil || len(aside) == 0 {
		t.Errorf("the earlier results are not set aside (%v)", err)
	}
}

func TestACrawlOverASharedRedisIsBegunAnewToo(t *testing.T) {
	t.Parallel()
	b := newWorkbench(t, web{"/": "x"}, "/")
	h := trawl.NewHandlers("none")
	b.crawl(h)
	b.cfg.Restart = true
	b.crawl(h)
	if n := b.site.Count("/"); n != 2 {
		t.Errorf("the page was asked for %d times, want twice", n)
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

func TestWhatCanNotBeCrawledIsRefusedBeforeAnythingIsMade(t *testing.T) {
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
			h.OnPage("(", nil) // the first is told
			return []*trawl.Handlers{h}
		}},
		"a type": {want: `handlers shop: OnType("pdf"): want a type such as application/pdf`, handlers: func() []*trawl.Handlers {
			h := trawl.NewHandlers("shop")
			h.OnType("pdf", nil)
			return []*trawl.Handlers{h}
		}},
		"a name": {want: `handlers: "My Shop" is no name`, handlers: func() []*trawl.Handlers {
			return []*trawl.Handlers{trawl.NewHandlers("My Shop")}
		}},
		"two of a name": {want: `two sets are named "shop"`, handlers: func() []*trawl.Handlers {
			return []*trawl.Handlers{trawl.NewHandlers("shop"), trawl.NewHandlers("shop")}
		}},
		"handlers that are not brought": {want: "job shop wants handlers that the program does not bring: other", job: func(j *trawl.Job) {
			j.Handlers = []string{"other"}
		}},
		"a setting":     {want: "depth", job: func(j *trawl.Job) { j.Depth = -2 }},
		"a seed":        {want: `"nowhere" is not a URL`, job: func(j *trawl.Job) { j.Seeds = []string{"nowhere"} }},
		"no seed":       {want: "job shop has no seeds", job: func(j *trawl.Job) { j.Seeds = nil }},
		"a schedule":    {want: "job shop has a schedule", job: func(j *trawl.Job) { j.Schedule = "@daily" }},
		"a place":       {want: "Config.HandlerPlaces: -1 is out of range", cfg: trawl.Config{HandlerPlaces: -1}},
		"a concurrency": {want: "Config.Concurrency: -5 is out of range", cfg: trawl.Config{Concurrency: -5}},
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
				t.Errorf("the folder is there (%v)", err)
			}
		})
	}
	if err := trawl.Work(t.Context(), trawl.Config{}); err == nil || !strings.Contains(err.Error(), "Config.Redis is empty") {
		t.Errorf("a worker of no fleet: %v", err)
	}
}

func TestSaveLeavesNothingTornBehind(t *testing.T) {
	t.Parallel()
	b := newWorkbench(t, web{"/": "content"}, "/")
	b.job.Retries = 0
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file", "below") // a file is in the way
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h := trawl.NewHandlers("save")
	h.OnPage("", func(_ context.Context, p *trawl.Page) error {
		if err := p.Save(filepath.Join(dir, "a", "b", "page.html")); err != nil {
			return err
		}
		if err := p.Save(filepath.Join(dir, "a", "b")); err == nil {
			t.Error("a file takes the place of a folder")
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
		t.Errorf("%v are left behind (%v)", left, err)
	}
	if r := b.records()["/"]; !strings.Contains(r.Error, "save "+b.site.URL(0, "/")) {
		t.Errorf("the record says %q", r.Error)
	}
}
