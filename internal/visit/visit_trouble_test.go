package visit_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// panickingParser is a parser that panics at some paths.
type panickingParser struct {
	visit.Parser
	at string
}

func (m panickingParser) Parse(ctx context.Context, p *fetched.Page) (*fetched.Document, error) {
	if p.URL.Path() == m.at {
		panic("too much")
	}
	return m.Parser.Parse(ctx, p)
}

func TestAPanicOfTheParserAffectsOnlyItsPage(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links("/a", "/b"), "/a": links("/c"), "/b": links("/d"), "/d": links()})
	c := newCrawl(t, site, nil).seed("/")
	c.tools.Parser = panickingParser{c.tools.Parser, "/a"}
	c.cfg.CPU = make(chan struct{}, 1)
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched ", "/a": "fetched the parser panicked: too much", "/b": "fetched ",
		"/d": "fetched "})
	if len(c.cfg.CPU) != 0 {
		t.Error("the parser's slot is never freed")
	}
}

func TestPagesThatASinkCannotKeepAreFetchedAgain(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 30, LinksPerPage: 5}
	c := newCrawl(t, g.Serve(t), nil).root()
	full := errors.New("no space left on device")
	c.sink.failWith(full)
	r, err := c.visitor().Visit(t.Context(), c.arm(), nil)
	if !errors.Is(err, full) || !errors.Is(err, visit.ErrKeep) || r.Ending != queue.EndError {
		t.Errorf("the visit ended as %s, %v", r.Ending, err)
	}
	if n := c.counters(); n.Flight != 0 || n.Waiting != n.Seen || n.Pages() != 0 {
		t.Errorf("%d URLs: %d wait, %d are in flight, %d count as fetched", n.Seen, n.Waiting, n.Flight, n.Pages())
	}
	c.sink.failWith(nil)
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 30})
	if n := len(c.sink.records()); n != 30 {
		t.Errorf("%d pages are kept, want 30", n)
	}
}

func TestAStaleTaskIsNotAnError(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/": links()}), nil).seed("/")
	o := c.arm()
	o.Epoch--
	r, err := c.visitor().Visit(t.Context(), o, nil)
	if err != nil || r.Ending != queue.EndStale || len(c.site.Requests()) != 0 {
		t.Errorf("the visit ended as %s, %v, after %d requests", r.Ending, err, len(c.site.Requests()))
	}
}

func TestAStaleVisitSettlesNothing(t *testing.T) {
	t.Parallel()
	for name, rig := range map[string]func(*alteredLease){
		"when it settles": func(t *alteredLease) { t.settle = queue.ErrStale },
		"when it claims":  func(t *alteredLease) { t.claim = queue.ErrStale },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, testsite.Serve(t, web{"/a": "301 /b", "/b": links(), "/c": links()}), nil).seed("/a", "/c")
			c.tools.Frontier = alteredFrontier{c.frontier, rig}
			if r := c.visit(t.Context(), nil); r.Ending != queue.EndStale {
				t.Errorf("the visit ended as %s, want stale", r.Ending)
			}
			if n := c.counters(); n.Settled() != 0 {
				t.Errorf("the visit settled %d URLs", n.Settled())
			}
		})
	}
}

func TestAVisitStopsWhenItsLeaseIsLost(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links(), "/b": links()})
	site.Hang("/a") // until the end of the test
	c := newCrawl(t, site, nil).seed("/a", "/b")
	c.tools.Frontier = alteredFrontier{c.frontier,
		func(t *alteredLease) {
			t.lease, t.renew = 3*time.Second, queue.ErrStale
			t.lost = func() bool { return site.Count("/a") > 0 }
		}}
	if r := c.visit(t.Context(), nil); r.Ending != queue.EndStale {
		t.Errorf("the visit ended as %s, want stale", r.Ending)
	}
	c.wantRequests(map[string]int{"/a": 1, "/b": 0})
	if n := c.counters(); n.Settled() != 0 || n.Flight != 2 {
		t.Errorf("%d URLs are settled and %d in flight, want 0 and 2", n.Settled(), n.Flight)
	}
}

func TestAVisitThatCannotRenewItsLeaseEndsWithTheReason(t *testing.T) {
	t.Parallel()
	for lease := 2 * time.Second; ; lease *= 2 {
		site := testsite.Serve(t, web{"/a": links()})
		site.Hang("/a")
		c := newCrawl(t, site, nil).seed("/a")
		down := errors.New("connection refused")
		c.tools.Frontier = alteredFrontier{c.frontier, func(t *alteredLease) { t.lease, t.renew = lease, down }}
		r, err := c.visitor().Visit(t.Context(), c.arm(), nil)
		if r.Ending == queue.EndPause && lease < time.Minute {
			continue // on a slow machine, a call that extends the lease began before its end and returned after it
		}
		if !errors.Is(err, down) || r.Ending != queue.EndError {
			t.Errorf("the visit ended as %s, %v", r.Ending, err)
		}
		return
	}
}

func TestAURLIsGivenUpAfterThreeLostWorkers(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/a": links(), "/b": links()}), nil).seed("/a", "/b")
	c.tools.Frontier = alteredFrontier{c.frontier, func(t *alteredLease) {
		t.taken = func(got []queue.Taken) {
			for i := range got {
				got[i].Entry.Lost = 2 + strings.Count(got[i].Entry.URL.Path(), "b")
			}
		}
	}}
	c.finish()
	c.wantRecords(map[string]string{"/a": "fetched", "/b": "failed given up: 3 workers were lost"})
	c.wantRequests(map[string]int{"/a": 1, "/b": 0})
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 1, crawler.OutcomeFailed: 1})
}

func TestURLsOfALostWorkerAreFetchedOneByOneAndSettledAtOnce(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links("/c"), "/b": links(), "/c": links()})
	c := newCrawl(t, site, func(j *crawler.Job) { j.PerHost = 4 })
	for _, path := range []string{"/a", "/b"} {
		c.admit(queue.Entry{URL: parseURL(t, site.URL(0, path)), Lost: 1})
	}
	for _, path := range []string{"/b", "/c"} {
		site.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n := c.counters(); n.Flight != 1 {
				t.Errorf("while %s is fetched, %d URLs are in flight, want 1", path, n.Flight)
			}
		}))
	}
	if visits := c.finish(); len(visits) != 1 {
		t.Errorf("got %d visits, want 1", len(visits))
	}
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 3})
}

func TestAVisitorRequiresAValidJob(t *testing.T) {
	t.Parallel()
	_, err := visit.New(crawler.Job{Name: "a"}, nil, visit.Tools{}, visit.Config{})
	if err == nil || !strings.HasPrefix(err.Error(), "job a: scope:") {
		t.Errorf("got %v", err)
	}
}

func TestAVisitWaitsForAnUnavailableFrontierAndFetchesNothingTwice(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links("/b"), "/b": "302 /c", "/c": links()})
	c := newCrawl(t, site, nil).seed("/a")
	flaky := &unreliableFrontier{Frontier: c.frontier, refused: make(map[string]bool)}
	c.tools.Frontier = flaky
	if visits := c.finish(); len(visits) != 1 {
		t.Errorf("got %d visits, want 1", len(visits))
	}
	c.wantRequests(map[string]int{"/a": 1, "/b": 1, "/c": 1})
	if n := len(c.sink.records()); n != 2 {
		t.Errorf("got %d records, want 2", n)
	}
	if len(flaky.refused) != 5 {
		t.Errorf("refused calls: got %v, want open, take, claim, admit and finish", flaky.refused)
	}
}

func TestADrainedVisitSettlesItsFetchedPages(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links()})
	c := newCrawl(t, site, nil).seed("/a")
	c.cfg.Grace = time.Hour
	flaky := &unreliableFrontier{Frontier: c.frontier, refused: map[string]bool{"open": true, "take": true, "admit": true}}
	c.tools.Frontier = flaky
	reached, release := site.Hang("/a")
	visitor, order := c.visitor(), c.arm()
	drain, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := visitor.Visit(t.Context(), order, drain)
		failed <- err
	}()
	<-reached
	close(drain)
	release()
	if err := <-failed; err != nil || !flaky.refused["settle"] || !flaky.refused["close"] {
		t.Errorf("the visit ended with %v; refused calls: %v", err, flaky.refused)
	}
	c.wantRequests(map[string]int{"/a": 1})
	if n := c.counters(); n.Open != 0 || n.Waiting != 0 || n.Pages() != 1 {
		t.Errorf("%d visits are open, %d URLs wait, and %d are fetched", n.Open, n.Waiting, n.Pages())
	}
}

// slowParser is a parser that parses some paths until its context ends.
type slowParser struct {
	visit.Parser
	at    string
	ended atomic.Int64
}

func (s *slowParser) Parse(ctx context.Context, p *fetched.Page) (*fetched.Document, error) {
	if strings.HasSuffix(p.URL.String(), s.at) {
		defer s.ended.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Parser.Parse(ctx, p)
}

func TestASlowParseAffectsOnlyItsPage(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links("/a", "/b"), "/a": links("/c"), "/b": links("/d"), "/d": links()})
	c := newCrawl(t, site, nil).seed("/")
	slow := &slowParser{Parser: c.tools.Parser, at: "/a"}
	c.tools.Parser, c.cfg.ParseTime = slow, 200*time.Millisecond
	c.finish()
	c.wantRecords(map[string]string{
		"/": "fetched ", "/a": "fetched it was not parsed, because that takes longer than 200ms",
		"/b": "fetched ", "/d": "fetched "})
	if n := slow.ended.Load(); n != 1 {
		t.Errorf("the parser ended %d times, want once", n)
	}
}
