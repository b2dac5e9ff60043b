package visit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// fakeHandlers are the handlers of a program: functions for some paths, and a record of the
// deliveries.
type fakeHandlers struct {
	at map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error)

	mu        sync.Mutex
	calls     map[string]int
	delivered map[string]int // by path and item
	refuse    []error        // errors of the next calls of Deliver
}

func (h *fakeHandlers) Handle(ctx context.Context, page visit.HandlerPage) (visit.Yield, error) {
	path := page.Page.URL.Path()
	h.mu.Lock()
	if h.calls == nil {
		h.calls = make(map[string]int)
	}
	h.calls[path]++
	h.mu.Unlock()
	if do := h.at[path]; do != nil {
		return do(ctx, page)
	}
	return visit.Yield{}, nil
}

func (h *fakeHandlers) Deliver(_ context.Context, results []*fetched.Result) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.refuse) > 0 {
		err := h.refuse[0]
		h.refuse = h.refuse[1:]
		return err
	}
	if h.delivered == nil {
		h.delivered = make(map[string]int)
	}
	for _, r := range results {
		if r.Outbox != nil {
			h.delivered[fmt.Sprint(r.Entry.URL.Path(), " ", r.Outbox)]++
		}
	}
	return nil
}

// newHandlerCrawl creates a crawl that passes its pages to handlers.
func newHandlerCrawl(t testing.TB, pages web, h *fakeHandlers, change func(*crawler.Job)) *crawl {
	t.Helper()
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.Handlers = []string{"shop"}
		if change != nil {
			change(j)
		}
	})
	c.tools.Handlers = h
	return c
}

func item(t testing.TB, value any) queue.Item {
	t.Helper()
	text, err := json.Marshal(value)
	check(t, err)
	return queue.Item{Value: value, JSON: text}
}

func TestItemsAndLinksOfHandlersAreRecordedWithThePage(t *testing.T) {
	t.Parallel()
	h := new(fakeHandlers)
	c := newHandlerCrawl(t, web{"/": links("/a"), "/a": links(), "/found": links()}, h, nil)
	h.at = map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
		"/": func(ctx context.Context, p visit.HandlerPage) (visit.Yield, error) {
			tree, err := parse.ElementsOf(p.Document).Document(ctx)
			if err != nil {
				return visit.Yield{}, err
			}
			abroad := parseURL(t, "http://elsewhere.example/")
			if p.Refuses(abroad) == "" {
				t.Error("a link out of scope is not refused")
			}
			return visit.Yield{
				Items:  []queue.Item{item(t, tree.Find("title").Text()), item(t, 2)},
				Links:  []crawler.URL{parseURL(t, c.site.URL(0, "/found")), abroad},
				Outbox: "letter",
			}, nil
		},
	}
	c.seed("/").finish()
	c.wantRecords(map[string]string{"/": "fetched ", "/a": "fetched ", "/found": "fetched "})
	if got, want := fmt.Sprintf("%s", c.record("/").Items), `["links" 2]`; got != want {
		t.Errorf("items %s, want %s", got, want)
	}
	if r := c.record("/found"); r.Referrer != c.site.URL(0, "/") || r.Depth != 1 {
		t.Errorf("the link of the handler is recorded as %+v", r)
	}
	if diff := cmp.Diff(map[string]int{"/ letter": 1}, h.delivered); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestThePageOfAFailedHandlerIsRetried(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err          error
		fails, calls int
		record       string
		items        int
	}{
		"until it succeeds": {errors.New("the database is away"), 2, 3, "fetched ", 1},
		"until the last try": {
			errors.New("the database is away"), 9, 3, "failed the database is away (tried 3 times)", 0,
		},
		"unless the error forbids it": {
			fmt.Errorf("no price: %w", queue.ErrNoRetry), 9, 1, "failed no price: it is not retried", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, times := new(fakeHandlers), 0
			h.at = map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
				"/": func(context.Context, visit.HandlerPage) (visit.Yield, error) {
					y := visit.Yield{Items: []queue.Item{item(t, "one")}, Outbox: "letter"}
					if times++; times <= test.fails {
						return y, test.err
					}
					return y, nil
				},
			}
			c := newHandlerCrawl(t, web{"/": links("/behind"), "/behind": links()}, h,
				func(j *crawler.Job) { j.Retries = 2 })
			c.seed("/").finish()
			c.wantRecords(map[string]string{"/": test.record, "/behind": "fetched "})
			c.wantRequests(map[string]int{"/": test.calls, "/behind": 1})
			if n := len(c.record("/").Items); n != test.items || h.delivered["/ letter"] != test.items {
				t.Errorf("got %d items and %d deliveries, want %d", n, h.delivered["/ letter"], test.items)
			}
		})
	}
}

func TestAPanicOfAHandlerFailsOnlyItsPage(t *testing.T) {
	t.Parallel()
	h := &fakeHandlers{at: map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
		"/a": func(context.Context, visit.HandlerPage) (visit.Yield, error) { panic("too much") },
	}}
	c := newHandlerCrawl(t, web{"/": links("/a", "/b"), "/a": links("/c"), "/b": links(), "/c": links()}, h, nil)
	c.cfg.HandlerPlaces = make(chan struct{}, 1)
	c.seed("/").finish()
	c.wantRecords(map[string]string{"/": "fetched ", "/a": "failed a handler panicked: too much", "/b": "fetched ",
		"/c": "fetched "})
	if len(c.cfg.HandlerPlaces) != 0 {
		t.Error("the place of the handler is never freed")
	}
}

func TestAHandlerThatEndsItsGoroutineFailsOnlyItsPage(t *testing.T) {
	t.Parallel()
	h := &fakeHandlers{at: map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
		"/a": func(context.Context, visit.HandlerPage) (visit.Yield, error) {
			runtime.Goexit()
			return visit.Yield{}, nil
		},
	}}
	c := newHandlerCrawl(t, web{"/": links("/a", "/b"), "/a": links("/c"), "/b": links(), "/c": links()}, h, nil)
	c.cfg.HandlerPlaces = make(chan struct{}, 1)
	c.seed("/").finish()
	c.wantRecords(map[string]string{
		"/": "fetched ", "/a": "failed a handler ended its goroutine (runtime.Goexit)", "/b": "fetched ",
		"/c": "fetched ",
	})
	if len(c.cfg.HandlerPlaces) != 0 {
		t.Error("the place of the handler is never freed")
	}
}

func TestTheTimeOfAHandlerIsLimited(t *testing.T) {
	t.Parallel()
	returns := make(chan struct{})
	gone := make(chan error, 1)
	h := &fakeHandlers{at: map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
		"/obeys": func(ctx context.Context, _ visit.HandlerPage) (visit.Yield, error) {
			<-ctx.Done()
			return visit.Yield{}, ctx.Err()
		},
		"/deaf": func(_ context.Context, p visit.HandlerPage) (visit.Yield, error) {
			<-returns
			var b strings.Builder
			for range 100 { // the handler may still read the body
				_, err := b.Write(p.Page.Body.Head)
				check(t, err)
			}
			gone <- nil
			return visit.Yield{Outbox: "late"}, nil
		},
	}}
	c := newHandlerCrawl(t, web{"/obeys": links(), "/deaf": links(), "/": links()}, h,
		func(j *crawler.Job) { j.Retries = 0 })
	c.cfg.HandlerTime = 50 * time.Millisecond
	c.seed("/obeys", "/deaf", "/").finish()
	c.wantRecords(map[string]string{
		"/": "fetched ", "/obeys": "failed its handlers took longer than 50ms (tried once)",
		"/deaf": "failed its handlers took longer than 50ms (tried once)",
	})
	close(returns)
	<-gone
	if len(h.delivered) != 0 {
		t.Errorf("delivered %v after the time limit", h.delivered)
	}
}

func TestADrainedVisitReturnsThePageOfARunningHandler(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	h := &fakeHandlers{at: map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
		"/": func(ctx context.Context, _ visit.HandlerPage) (visit.Yield, error) {
			close(began)
			<-ctx.Done()
			return visit.Yield{}, ctx.Err()
		},
	}}
	c := newHandlerCrawl(t, web{"/": links()}, h, nil)
	c.cfg.Grace = time.Millisecond
	c.seed("/")
	drain := make(chan struct{})
	go func() {
		<-began
		close(drain)
	}()
	if r := c.visit(t.Context(), drain); r.Ending != queue.EndDrained {
		t.Errorf("the visit ended as %s", r.Ending)
	}
	if n := c.counters(); n.Waiting != 1 || n.Flight != 0 || n.Outcomes[crawler.OutcomeRetry] != 0 {
		t.Errorf("the page does not wait in the queue: %+v", n)
	}
}

func TestThePlaceOfAHandlerThatDoesNotReturnStaysTaken(t *testing.T) {
	t.Parallel()
	c := newHandlerCrawl(t, web{"/": links()}, new(fakeHandlers), nil)
	c.cfg.HandlerTime = time.Millisecond
	c.cfg.HandlerPlaces = make(chan struct{}, 1)
	c.cfg.HandlerPlaces <- struct{}{} // a place that is never freed
	_, err := c.seed("/").visitor().Visit(t.Context(), c.arm(), nil)
	if err == nil || !strings.Contains(err.Error(), "none of 1 running handlers returned within 1ms") {
		t.Errorf("the visit ended with %v", err)
	}
	if n := c.counters(); n.Waiting != 1 || n.Flight != 0 {
		t.Errorf("the page does not wait in the queue: %+v", n)
	}
}

func TestAFailedDeliveryIsRetried(t *testing.T) {
	t.Parallel()
	letter := map[string]func(context.Context, visit.HandlerPage) (visit.Yield, error){
		"/": func(context.Context, visit.HandlerPage) (visit.Yield, error) {
			return visit.Yield{Outbox: "letter"}, nil
		},
	}
	for name, test := range map[string]struct {
		err   error
		asked int
	}{
		"within the visit if Redis is unavailable": {fmt.Errorf("%w: connection refused", queue.ErrUnavailable), 1},
		"by another visit after other errors":      {fmt.Errorf("%w: the database is locked", visit.ErrKeep), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &fakeHandlers{at: letter, refuse: []error{test.err}}
			c := newHandlerCrawl(t, web{"/": links()}, h, nil)
			_, err := c.seed("/").visitor().Visit(t.Context(), c.arm(), nil)
			if test.asked == 1 {
				check(t, err)
			} else if !errors.Is(err, test.err) {
				t.Errorf("the visit ended with %v", err)
			}
			c.finish()
			c.wantRequests(map[string]int{"/": test.asked})
			c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 1})
			if h.delivered["/ letter"] != 1 {
				t.Errorf("delivered %v", h.delivered)
			}
		})
	}
}

func TestHandlersReceiveNoNoindexPages(t *testing.T) {
	t.Parallel()
	h := new(fakeHandlers)
	noindex := `<!DOCTYPE html><meta name=robots content=noindex><a href="/b">b</a>`
	c := newHandlerCrawl(t, web{"/": noindex, "/b": links("/gone")}, h, nil)
	c.seed("/").finish()
	if diff := cmp.Diff(map[string]int{"/b": 1}, h.calls); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

func TestAVisitorWithoutTheHandlersOfItsJobIsRefused(t *testing.T) {
	t.Parallel()
	job := crawler.DefaultJob()
	job.Name, job.Handlers = "shop", []string{"shop"}
	_, err := visit.New(job, nil, visit.Tools{}, visit.Config{})
	if err == nil || !strings.Contains(err.Error(),
		`it needs the handlers ["shop"], which this program does not have`) {
		t.Errorf("a visitor without the handlers: got %v", err)
	}
}
