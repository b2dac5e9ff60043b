package trawl_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// chain returns pages of a site, each of which links to the next ones.
func chain(pages int) pageMap {
	m := pageMap{"/": ""}
	for i := range pages - 1 {
		path := fmt.Sprint("/", i)
		m["/"] += fmt.Sprintf("<a href=%q>x</a>", path)
		m[path] = fmt.Sprintf("<title>Page %d</title>", i)
	}
	return m
}

// open opens a fleet, which is shut down at the end of the test.
func (b *localSite) open(handlers ...*trawl.Handlers) *trawl.Fleet {
	b.t.Helper()
	b.cfg.Redis = "" // other tests share that one
	f, err := trawl.Open(testfleet.Patience(b.t), b.cfg, handlers...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { b.shutDown(f) })
	return f
}

func (b *localSite) shutDown(f *trawl.Fleet) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := f.Shutdown(ctx); err != nil {
		b.t.Errorf("the fleet is shut down with %v\n%s", err, b.log.Text())
	}
}

// start starts a job of the fleet.
func (b *localSite) start(f *trawl.Fleet, job trawl.Job) *trawl.Run {
	b.t.Helper()
	run, err := f.Start(testfleet.Patience(b.t), job)
	if err != nil {
		b.t.Fatal(err)
	}
	return run
}

// wait waits for the end of a job.
func (b *localSite) wait(run *trawl.Run) trawl.Stats {
	b.t.Helper()
	stats, err := run.Wait(testfleet.Patience(b.t))
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log.Text())
	}
	return stats
}

func TestAJobOfAFleetTellsItsEventsItsNumbersAndItsRecords(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": `<a href="/one">1</a><a href="/gone">2</a>`, "/one": "<title>One</title>"}, "/")
	b.cfg.AllowPrivate = true
	var handled atomic.Int64
	h := trawl.NewHandlers("count")
	h.OnPage("", func(context.Context, *trawl.Page) error { handled.Add(1); return nil })
	f := b.open(h)
	held := b.job
	held.Seeds = nil // so that the job waits until the loop over its events has begun
	run := b.start(f, held)
	var kinds []trawl.EventKind
	urls := make(map[string]trawl.Outcome)
	var last trawl.Event
	for e := range run.Events(testfleet.Patience(t)) {
		if len(kinds) == 0 {
			if seeding, err := run.Seed(t.Context(), b.job.Seeds...); err != nil || seeding.Admitted != 1 {
				t.Fatalf("%d seeds are admitted (%v), want 1", seeding.Admitted, err)
			}
		}
		kinds = append(kinds, e.Kind)
		if e.Record != nil {
			urls[strings.TrimPrefix(e.Record.URL, b.site.URL(0, ""))] = e.Record.Outcome
		}
		last = e
	}
	if last.Kind != trawl.EventState || last.Stats.State != trawl.StateDone || last.Stats.Pages() != 2 {
		t.Errorf("the last event is %+v, want the state done with 2 pages", last)
	}
	for _, kind := range []trawl.EventKind{trawl.EventPage, trawl.EventError, trawl.EventProgress} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("events %v, want one of %s", kinds, kind)
		}
	}
	if fmt.Sprint(urls) != "map[/:fetched /gone:gone /one:fetched]" {
		t.Errorf("events of URLs %v", urls)
	}
	stats := b.wait(run)
	if stats.Pages() != 2 || stats.Failed() != 1 || stats.State != trawl.StateDone || handled.Load() != 2 {
		t.Errorf("%d pages, %d failed, %s, %d handled", stats.Pages(), stats.Failed(), stats.State, handled.Load())
	}
	check := func(when string) {
		var got []string
		for record, err := range run.Records(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(strings.TrimPrefix(record.URL, b.site.URL(0, "")), " ", record.Outcome, " ",
				record.ErrorClass))
		}
		slices.Sort(got)
		if want := "[/ fetched  /gone gone http /one fetched ]"; fmt.Sprint(got) != want {
			t.Errorf("records %s %v, want %s", when, got, want)
		}
	}
	check("at the end of the job")
	b.shutDown(f)
	check("after the fleet is shut down")
	if stats, err := run.Stats(t.Context()); err != nil || stats.Pages() != 2 {
		t.Errorf("after the fleet is shut down, %d pages (%v)", stats.Pages(), err)
	}
}

func TestEightJobsOfOneProcessGoOnAfterAShutdownInTheMiddle(t *testing.T) {
	b := newLocalSite(t, chain(40), "/")
	b.job.Name = "crowd"
	const jobs = 8
	middle, all := make(chan struct{}), new(atomic.Int64)
	h := trawl.NewHandlers("count")
	h.OnPage("", func(context.Context, *trawl.Page) error {
		if all.Add(1) == 100 {
			close(middle)
		}
		return nil
	})
	before := ours()
	f := b.open(h)
	runs := make(map[string]*trawl.Run)
	for i := range jobs {
		job := b.job
		job.Name = fmt.Sprint(b.job.Name, "-", i)
		job.Delay = time.Millisecond
		runs[job.Name] = b.start(f, job)
	}
	<-middle
	t.Logf("%d goroutines while %d jobs run", runtime.NumGoroutine(), jobs)
	if n := ours(); n-before > 60*jobs {
		t.Errorf("%d goroutines of %d jobs", n-before, jobs)
	}
	b.shutDown(f)
	if n := left(before); n > 0 {
		t.Errorf("%d goroutines are left after Shutdown:\n%s", n, stacks())
	}
	for name, run := range runs {
		if _, err := run.Wait(t.Context()); err != nil && !errors.Is(err, trawl.ErrFleetClosed) {
			t.Errorf("waiting for job %s ends with %v", name, err)
		}
		if err := run.Pause(t.Context()); !errors.Is(err, trawl.ErrFleetClosed) {
			t.Errorf("pausing a job of a closed fleet: %v", err)
		}
	}
	servers, err := filepath.Glob(filepath.Join(b.cfg.Out, "*", ".trawl"))
	if err != nil || len(servers) > 0 {
		t.Errorf("jobs have Redis servers of their own: %v (%v)", servers, err)
	}

	f = b.open(h)
	for name := range runs {
		run, err := f.Job(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if stats := b.wait(run); stats.Pages() != 40 {
			t.Errorf("job %s has %d pages, want 40", name, stats.Pages())
		}
	}
	if n := b.site.Count("/0"); n != jobs {
		t.Errorf("a page was requested %d times by %d jobs", n, jobs)
	}
	b.shutDown(f)
	if n := left(before); n > 0 {
		t.Errorf("%d goroutines are left after the second Shutdown:\n%s", n, stacks())
	}
}

// left returns how many goroutines there are more than before. Some may have done all their
// work and only be about to exit.
func left(before int) (n int) {
	for range 1000 {
		if n = ours() - before; n <= 0 {
			return 0
		}
		runtime.Gosched()
	}
	return n
}

// ours counts the goroutines of Trawl, asynq and go-redis.
func ours() (n int) {
	for stack := range strings.SplitSeq(stacks(), "\n\n") {
		if isOurs(stack) {
			n++
		}
	}
	return n
}

func isOurs(stack string) bool {
	if strings.Contains(stack, "testing.tRunner") || strings.Contains(stack, "internal/test/") {
		return false
	}
	for _, pkg := range []string{"trawlcrawler/trawl", "hibiken/asynq", "redis/go-redis"} {
		if strings.Contains(stack, pkg) {
			return true
		}
	}
	return false
}

// stacks returns the stacks of all goroutines.
func stacks() string {
	text := make([]byte, 8<<20)
	return string(text[:runtime.Stack(text, true)])
}

func TestAJobIsPausedResumedChangedAndCancelled(t *testing.T) {
	t.Parallel()
	site := pageMap{}
	for i := range 5000 {
		site[fmt.Sprint("/", i)] = fmt.Sprintf(`<a href="/%d">the next page</a>`, i+1)
	}
	b := newLocalSite(t, site, "/0")
	b.job.Delay = 10 * time.Millisecond
	begun, paused := make(chan struct{}), make(chan struct{})
	var pages atomic.Int64
	h := trawl.NewHandlers("count")
	h.OnPage("", func(ctx context.Context, _ *trawl.Page) error {
		if pages.Add(1) < 3 {
			return nil
		}
		// Only this page leads to the next one, so that the job is paused before its tenth page.
		if pages.Load() == 3 {
			close(begun)
		}
		select {
		case <-paused:
		case <-ctx.Done():
		}
		return nil
	})
	f := b.open(h)
	run := b.start(f, b.job)
	<-begun
	if err := run.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(paused)
	if stats, err := run.Stats(t.Context()); err != nil || stats.State != trawl.StatePaused {
		t.Errorf("a paused job is %s (%v)", stats.State, err)
	}
	if _, err := run.Set(t.Context(), trawl.Changes{"pages": []byte("10")}); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Set(t.Context(), trawl.Changes{"scope": []byte(`"any"`)}); !errors.As(err,
		new(*trawl.SettingError)) {
		t.Errorf("a setting that cannot be changed is refused with %v", err)
	}
	if err := run.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The worker learns of the budget while it fetches: it reads the settings twice a second.
	if stats := b.wait(run); stats.Pages() < 10 || stats.Reason != "budget of pages" {
		t.Errorf("%d pages, because of %q, want 10 or more because of the budget", stats.Pages(), stats.Reason)
	}

	early := b.job
	early.Name, early.Pages = b.job.Name+"-early", 3
	run = b.start(f, early)
	if err := run.Pause(t.Context()); err != nil {
		t.Errorf("a job cannot be paused as soon as it is started: %v", err)
	}
	if err := run.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stats := b.wait(run); stats.Pages() < 3 {
		t.Errorf("%d pages of a job that was paused at its start, want 3 or more", stats.Pages())
	}

	endless := b.job
	endless.Name, endless.Seeds = b.job.Name+"-endless", nil
	run = b.start(f, endless)
	if err := run.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stats, err := run.Wait(t.Context()); !errors.Is(err, trawl.ErrCancelled) || stats.State != trawl.StateCancelled {
		t.Errorf("a cancelled job is %s, with the error %v", stats.State, err)
	}
	if err := run.Resume(t.Context()); !errors.Is(err, trawl.ErrJobEnded) {
		t.Errorf("a cancelled job is resumed: %v", err)
	}
}

func TestWhatAFleetRefusesIsATypedError(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	f := b.open(trawl.NewHandlers("shop"))
	b.wait(b.start(f, b.job))
	cause := errors.New("the program has other plans")
	over, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	lacking := b.job
	lacking.Name, lacking.Handlers = "lacking", []string{"other"}
	bad := b.job
	bad.Name, bad.Delay = "bad", -1
	if _, err := f.Start(t.Context(), b.job); !errors.Is(err, trawl.ErrJobExists) {
		t.Errorf("a job name in use: %v", err)
	}
	if _, err := f.Start(t.Context(), lacking); !errors.Is(err, trawl.ErrNoHandlers) {
		t.Errorf("handlers that are missing: %v", err)
	}
	if _, err := f.Start(t.Context(), bad); !errors.As(err, new(*trawl.SettingError)) {
		t.Errorf("a setting that is wrong: %v", err)
	}
	if _, err := f.Job(t.Context(), "nosuch"); !errors.Is(err, trawl.ErrNoJob) {
		t.Errorf("a job that does not exist: %v", err)
	}
	if _, err := f.Start(over, lacking); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("a context that has ended: %v", err)
	}
	waiting := b.job
	waiting.Name, waiting.Seeds = b.job.Name+"-waiting", nil
	run := b.start(f, waiting)
	if stats, err := run.Wait(over); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || stats.State == "" {
		t.Errorf("waiting with a context that has ended: %v, in state %q", err, stats.State)
	}
	if err := f.Client().Cancel(t.Context(), waiting.Name); err != nil {
		t.Fatal(err)
	}
	if err := f.Client().Remove(t.Context(), waiting.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Wait(t.Context()); !errors.Is(err, trawl.ErrNoJob) && !errors.Is(err, trawl.ErrCancelled) {
		t.Errorf("waiting for a job that was removed: %v", err)
	}
	b.shutDown(f)
	if _, err := f.Start(t.Context(), lacking); !errors.Is(err, trawl.ErrFleetClosed) {
		t.Errorf("a fleet that is closed: %v", err)
	}
}

func TestAJobIsStartedAgainFromTheBeginning(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	b.cfg.Restart = true
	f := b.open()
	for range 2 {
		if stats := b.wait(b.start(f, b.job)); stats.Pages() != 1 {
			t.Errorf("%d pages, want 1", stats.Pages())
		}
	}
	if n := b.site.Count("/"); n != 2 {
		t.Errorf("the page was requested %d times, want twice", n)
	}
	aside, err := filepath.Glob(filepath.Join(b.cfg.Out, b.job.Name, "earlier-*", "pages-*.jsonl"))
	if err != nil || len(aside) != 1 {
		t.Errorf("results of the first job: %v (%v)", aside, err)
	}
}

func TestAHandlerStopsItsJob(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(40), "/")
	var after atomic.Int64
	var stopped atomic.Bool
	h := trawl.NewHandlers("seek")
	h.OnPage("/20$", func(_ context.Context, p *trawl.Page) error {
		p.Emit(Title{p.Title()})
		p.Stop("it is found")
		return nil
	})
	h.Sink(func(_ context.Context, results []trawl.Result) error {
		if stopped.Load() {
			after.Add(int64(len(results)))
		}
		for _, r := range results {
			if strings.HasSuffix(r.URL, "/20") {
				stopped.Store(true)
			}
		}
		return nil
	})
	stats := b.crawl(h)
	if stats.Reason != "stopped: it is found" || stats.State != trawl.StateDone {
		t.Errorf("the job is %s: %s", stats.State, stats.Reason)
	}
	if !stopped.Load() || after.Load() > 0 {
		t.Errorf("%d URLs are kept after the page that stopped the job (kept: %t)", after.Load(), stopped.Load())
	}
	if n := stats.Pages(); n < 2 || n >= 40 || stats.Items != 1 {
		t.Errorf("%d pages and %d items, want some pages and the one item", n, stats.Items)
	}
}

func TestAJobEndsAfterSoManyItems(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(200), "/")
	b.job.Items, b.job.Delay = 5, 20*time.Millisecond
	h := trawl.NewHandlers("count")
	h.OnPage("", func(_ context.Context, p *trawl.Page) error { p.Emit(Title{"one"}); return nil })
	stats := b.crawl(h)
	if stats.Items < 5 || stats.Items >= 200 || stats.Items != stats.Pages() || stats.Reason != "budget of items" {
		t.Errorf("%d items of %d pages, because of %q", stats.Items, stats.Pages(), stats.Reason)
	}
}

func TestHandlersHaveAGraceWhenTheirJobIsCancelled(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	b.cfg.Grace = 50 * time.Millisecond
	begun, returned := make(chan struct{}), make(chan error, 1)
	h := trawl.NewHandlers("slow")
	h.OnPage("", func(ctx context.Context, _ *trawl.Page) error {
		close(begun)
		<-ctx.Done()
		returned <- ctx.Err()
		return ctx.Err()
	})
	f := b.open(h)
	run := b.start(f, b.job)
	<-begun
	if err := run.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Wait(testfleet.Patience(t)); !errors.Is(err, trawl.ErrCancelled) {
		t.Errorf("the job ends with %v", err)
	}
	select {
	case err := <-returned:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the context of the handler ended with %v", err)
		}
	default:
		t.Error("Wait returned before the handler")
	}
}

func TestEveryFailureReachesHandlersAndSinks(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	b := newLocalSite(t, pageMap{"/": `<a href="/gone">1</a><a href="/bad">2</a><a href="/dead">3</a>`, "/bad": "x"},
		"/")
	b.site.Fail("/dead", 500, 500)
	closed := httptest.NewServer(nil) // a host that is given up
	down := closed.URL + "/"
	closed.Close()
	b.job.Seeds = append(b.job.Seeds, down)
	b.job.Retries, b.job.HostTries = 1, 1
	var mu sync.Mutex
	told, kept := make(map[string][]string), make(map[string]string)
	name := func(url string) string {
		if url == down {
			return "down"
		}
		return strings.TrimPrefix(url, b.site.URL(0, ""))
	}
	h := trawl.NewHandlers("note")
	h.OnPage("/bad$", func(context.Context, *trawl.Page) error { return errors.New("no price") })
	h.OnError(func(_ context.Context, f *trawl.Failure) error {
		mu.Lock()
		defer mu.Unlock()
		tries.Add(1)
		told[name(f.URL)] = append(told[name(f.URL)], fmt.Sprint(f.Status, " ", f.Class, " ", f.Try, " ", f.Final))
		if f.Status == http.StatusNotFound {
			text, err := io.ReadAll(f.Body())
			if err != nil || string(text) != "404 page not found\n" || f.Header.Get("Content-Type") == "" ||
				f.Referrer != b.site.URL(0, "/") {
				t.Errorf("the failure has the body %q (%v), header %v and referrer %q", text, err, f.Header, f.Referrer)
			}
		}
		return nil
	})
	h.Sink(func(_ context.Context, results []trawl.Result) error {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range results {
			kept[name(r.URL)] = fmt.Sprint(r.Outcome, " ", r.ErrorClass)
		}
		return nil
	})
	stats := b.crawl(h)
	if stats.Failed() != 4 {
		t.Errorf("%d URLs failed, want 4: %v", stats.Failed(), stats.Outcomes)
	}
	wantKept := map[string]string{"/": "fetched ", "/gone": "gone http", "/bad": "failed handler",
		"/dead": "failed http", "down": "failed connect"}
	if diff := cmp.Diff(wantKept, kept); diff != "" {
		t.Errorf("sinks (-want +got):\n%s", diff)
	}
	wantTold := map[string][]string{
		"/gone": {"404 http 1 true"}, "/bad": {"200 handler 1 false", "200 handler 2 true"},
		"/dead": {"500 http 1 false", "500 http 2 true"},
	}
	last := told["down"]
	delete(told, "down")
	if diff := cmp.Diff(wantTold, told); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if len(last) == 0 || !strings.HasPrefix(last[len(last)-1], "0 connect ") ||
		!strings.HasSuffix(last[len(last)-1], " true") {
		t.Errorf("failures of the host that is given up: %v", last)
	}
}

func TestAFailureThatIsNotWorthAnotherTryIsFinal(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{}, "/")
	b.site.Fail("/", 500, 500)
	h := trawl.NewHandlers("strict")
	h.OnError(func(context.Context, *trawl.Failure) error { return fmt.Errorf("not again: %w", trawl.SkipRetry) })
	if stats := b.crawl(h); stats.Failed() != 1 || b.site.Count("/") != 1 {
		t.Errorf("%d failed after %d requests, want one of each", stats.Failed(), b.site.Count("/"))
	}
}

// BenchmarkTheFirstPage measures how long a fleet takes from the start of a job to its first page.
func BenchmarkTheFirstPage(b *testing.B) {
	site := testsite.Serve(b, pageMap{"/": "x"})
	handled := make(chan struct{}, 1)
	h := trawl.NewHandlers("clock")
	h.OnPage("", func(context.Context, *trawl.Page) error { handled <- struct{}{}; return nil })
	f, err := trawl.Open(b.Context(), trawl.Config{Out: b.TempDir()}, h)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		job := trawl.NewJob(fmt.Sprint("soon-", i))
		job.Seeds, job.Delay = []string{site.URL(0, "/")}, 0
		run, err := f.Start(b.Context(), job)
		if err != nil {
			b.Fatal(err)
		}
		<-handled
		b.StopTimer()
		if _, err := run.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.StopTimer()
	if err := f.Shutdown(context.Background()); err != nil {
		b.Fatal(err)
	}
}

func TestALinkIsFollowedWithWhatItsHandlerPasses(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{-1, 2} { // with a limit of depth, links are kept in another form
		b := newLocalSite(t, pageMap{"/": `<a href="/a">a</a><a href="/b">b</a><a href="/c">c</a>`, "/a": "x",
			"/b": "x", "/c": "x"}, "/")
		b.job.Depth = depth
		var headers sync.Map
		b.site.Handle("/c", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			headers.Store("/c", r.Header.Get("X-Token")+" "+r.Header.Get("User-Agent"))
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "x")
		}))
		type place struct{ Aisle, Shelf int }
		var mu sync.Mutex
		var order []string
		got := make(map[string]place)
		h := trawl.NewHandlers("pass")
		h.OnPage("/$", func(_ context.Context, p *trawl.Page) error {
			a := p.Follow("/c", trawl.Meta(place{3, 4}), trawl.First(), trawl.Header("X-Token", "secret"))
			if !a.OK() || a.URL != b.site.URL(0, "/c") {
				t.Errorf("the link is refused: %+v", a)
			}
			if bad := p.Follow("http://elsewhere.example/"); bad.OK() {
				t.Error("a link out of scope is accepted")
			}
			return nil
		})
		h.OnPage("", func(_ context.Context, p *trawl.Page) error {
			mu.Lock()
			defer mu.Unlock()
			path := strings.TrimPrefix(p.URL(), b.site.URL(0, ""))
			var at place
			if err := p.Meta(&at); err != nil {
				return err
			}
			order = append(order, path)
			got[path] = at
			return nil
		})
		b.crawl(h)
		if len(order) != 4 || order[1] != "/c" || got["/c"] != (place{3, 4}) || got["/a"] != (place{}) {
			t.Errorf("with depth %d, pages %v have %v", depth, order, got)
		}
		if token, _ := headers.Load("/c"); token != "secret "+b.job.UserAgent {
			t.Errorf("the request has the headers %v", token)
		}
	}
}

func TestAnOptionOfALinkThatIsNotValidFailsItsPage(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	b.cfg.Redis = "" // to restart faster
	for want, option := range map[string]trawl.FollowOption{
		"want at most 4096":         trawl.Meta(strings.Repeat("x", 5000)),
		"unsupported type":          trawl.Meta(make(chan int)),
		"the header User-Agent can": trawl.Header("user-agent", "other"),
		"option 1 is nil (run_test": nil,
	} {
		h := trawl.NewHandlers("bad")
		h.OnPage("", func(_ context.Context, p *trawl.Page) error { p.Follow("/x", option); return nil })
		b.cfg.Restart = true
		b.crawl(h)
		if r := b.records()["/"]; r.Outcome != trawl.OutcomeFailed || !strings.Contains(r.Error, want) {
			t.Errorf("the page is %s: %q, want %q", r.Outcome, r.Error, want)
		}
	}
}

func TestHandlersAddToRequestsAndRefuseThem(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": `<a href="/no">1</a>`, "/no": "x"}, "/")
	var seen sync.Map
	b.site.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store("header", r.Header.Get("X-Session")+" "+r.Header.Get("X-Key"))
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<a href="/no">1</a>`)
	}))
	host := strings.TrimSuffix(strings.TrimPrefix(b.site.URL(0, "/"), "http://"), "/")
	b.cfg.Access = []trawl.AccessRule{{Hosts: []string{"http://" + host}, Header: http.Header{"X-Key": {"secret"}}}}
	h := trawl.NewHandlers("session")
	h.OnRequest(func(_ context.Context, r *trawl.Request) error {
		if strings.HasSuffix(r.URL, "/no") {
			return errors.New("it is not worth it")
		}
		r.Header.Set("X-Session", "7")
		return nil
	})
	stats := b.crawl(h)
	if got, _ := seen.Load("header"); got != "7 secret" {
		t.Errorf("the request has the headers %v", got)
	}
	if r := b.records()["/no"]; r.Outcome != trawl.OutcomeSkipped || !strings.Contains(r.Error, "it is not worth it") ||
		b.site.Count("/no") != 0 {
		t.Errorf("a request that is refused ends as %s: %q, after %d requests (%v)", r.Outcome, r.Error,
			b.site.Count("/no"), stats.Outcomes)
	}
}
