package visit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// errFull is the error of a sink with a full disk.
var errFull = fmt.Errorf("writing %q: %w", "/out/pages.jsonl", syscall.ENOSPC)

// withGate adds a gate to a crawl, so that visits wait until pages can be kept.
func withGate(c *crawl) *visit.Gate {
	gate := visit.NewGate(func(err error) bool { return errors.Is(err, syscall.ENOSPC) })
	c.tools.Gate, c.tools.Room = gate, func(int64) error { return nil }
	return gate
}

func TestAVisitHoldsItsPagesUntilTheyCanBeKept(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 30, LinksPerPage: 5}
	c := newCrawl(t, g.Serve(t), nil).root()
	gate := withGate(c)
	c.sink.failWith(errFull)
	reported := make(chan queue.Report, 1)
	go func() { reported <- c.visit(t.Context(), nil) }()
	<-gate.Shut()
	asked := len(c.site.Requests())
	if !errors.Is(gate.Reason(), syscall.ENOSPC) {
		t.Errorf("reason: got %v", gate.Reason())
	}
	if n := c.counters(); n.Settled() != 0 || n.Flight == 0 {
		t.Errorf("%d URLs are settled and %d in flight", n.Settled(), n.Flight)
	}
	c.sink.failWith(nil)
	if r := <-reported; r.Ending != queue.EndWaits || r.Pages == 0 {
		t.Errorf("the visit ended as %s with %d pages", r.Ending, r.Pages)
	}
	<-gate.Opened()
	if now := len(c.site.Requests()); now > asked+1 { // one may have been in flight
		t.Errorf("%d requests were made while the pages could not be kept", now-asked)
	}
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 30})
	if n, again := len(c.sink.records()), repeatedRequests(c.site); n != 30 || again > 0 {
		t.Errorf("got %d pages, want 30; %d were requested again", n, again)
	}
}

// repeatedRequests returns the number of requests for URLs that had been requested before.
func repeatedRequests(site *testsite.Site) (n int) {
	seen := map[string]bool{}
	for _, r := range site.Requests() {
		if seen[r.Path] && r.Path != "/robots.txt" {
			n++
		}
		seen[r.Path] = true
	}
	return n
}

func TestADrainedVisitThatWaitsForTheGateReturnsItsPages(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/": links()}), nil).seed("/")
	gate := withGate(c)
	c.sink.failWith(errFull)
	drain := make(chan struct{})
	failed := make(chan error, 1)
	order := c.arm()
	go func() {
		_, err := c.visitor().Visit(t.Context(), order, drain)
		failed <- err
	}()
	<-gate.Shut()
	close(drain)
	if err := <-failed; !errors.Is(err, visit.ErrKeep) {
		t.Errorf("the visit ended with %v", err)
	}
	<-gate.Opened()
	if n := c.counters(); n.Flight != 0 || n.Waiting != 1 || n.Settled() != 0 {
		t.Errorf("%d URLs wait, %d are in flight and %d settled", n.Waiting, n.Flight, n.Settled())
	}
}

func TestAClosedGateEndsOtherVisitsWithoutRequests(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links()})
	c := newCrawl(t, site, nil).seed("/")
	gate := withGate(c)
	c.sink.failWith(errFull)
	visitor := c.visitor()
	first := c.arm()
	drain, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := visitor.Visit(t.Context(), first, drain)
		failed <- err
	}()
	<-gate.Shut()
	other := testsite.Serve(t, web{"/": links()})
	c.admit(queue.Entry{URL: parseURL(t, other.URL(0, "/"))})
	orders, err := c.frontier.Arm(t.Context(), 2)
	if err != nil || len(orders) != 1 {
		t.Fatalf("armed visits: got %v, %v", orders, err)
	}
	r, err := visitor.Visit(t.Context(), orders[0], nil)
	if err != nil || r.Ending != queue.EndWaits || len(other.Requests()) > 0 {
		t.Errorf("another visit ended as %s, %v, after %d requests", r.Ending, err, len(other.Requests()))
	}
	close(drain)
	<-failed
}

// fullFetcher is a fetcher without room for bodies until the test clears full.
type fullFetcher struct {
	visit.Fetcher
	full  atomic.Bool
	asked atomic.Int64
}

func (b *fullFetcher) Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error) {
	if r.URL.Path() == "/large" {
		b.asked.Add(1)
		if b.full.Load() {
			return nil, fmt.Errorf("fetch: %w: %w", fetched.ErrSpill, syscall.ENOSPC)
		}
	}
	return b.Fetcher.Fetch(ctx, r)
}

func TestAPageThatCannotBeHeldIsRequestedAgainWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/large": links(), "/small": links()}), nil).seed("/large", "/small")
	withGate(c)
	b := &fullFetcher{Fetcher: c.tools.Fetcher}
	b.full.Store(true)
	var rooms []int64
	c.tools.Fetcher = b
	c.tools.Room = func(bytes int64) error {
		if rooms = append(rooms, bytes); len(rooms)%2 == 1 {
			return syscall.ENOSPC
		}
		b.full.Store(len(rooms) < 4) // the first time, there was too little room
		return nil
	}
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 2})
	if n := b.asked.Load(); n != 3 {
		t.Errorf("the page was requested %d times, want 3", n)
	}
	if want := []int64{4 << 20, 4 << 20, 8 << 20, 8 << 20}; !slices.Equal(rooms, want) {
		t.Errorf("requested room: got %d bytes, want %d", rooms, want)
	}
}

func TestABatchThatASinkOfAProgramRefusesIsDeliveredAgainWithinBounds(t *testing.T) {
	t.Parallel()
	locked, final := errors.New("locked"), fmt.Errorf("no such table: %w", queue.ErrNoRetry)
	for name, c := range map[string]struct {
		err          error
		fails, tries int // tries is how often it was tried when it was given up
	}{
		"it is kept at last":       {locked, 7, 0},
		"it is given up":           {locked, 8, 8},
		"it is given up at once":   {final, 1, 1},
		"the frontier is not away": {fmt.Errorf("a sink's own: %w", queue.ErrUnavailable), 8, 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := new(fakeHandlers)
			for range c.fails {
				h.refuse = append(h.refuse, &visit.SinkError{Err: c.err})
			}
			crawl := newHandlerCrawl(t, web{"/": links()}, h, nil).seed("/")
			gate := withGate(crawl)
			crawl.cfg.KeepPause = time.Millisecond
			_, err := crawl.visitor().Visit(t.Context(), crawl.arm(), nil)
			sink := visit.GivenUp(err)
			if (sink != nil) != (c.tries > 0) || sink != nil && (sink.Tries != c.tries || !errors.Is(err, c.err) ||
				!errors.Is(err, visit.ErrKeep)) {
				t.Errorf("the visit ends with %v", err)
			}
			<-gate.Opened()
			waiting := int64(0)
			if c.tries > 0 {
				waiting = 1
			}
			if n := crawl.counters(); n.Waiting != waiting || n.Flight != 0 || n.Settled() != 1-waiting || len(h.refuse) > 0 {
				t.Errorf("%d URLs wait, %d are in flight and %d settled; %d tries are left", n.Waiting, n.Flight,
					n.Settled(), len(h.refuse))
			}
		})
	}
}
