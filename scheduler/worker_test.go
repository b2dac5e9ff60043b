package scheduler_test

import (
	"fmt"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// setCapacity sets how many visits the workers can carry out at once.
func (s *fixture) setCapacity(capacity int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.capacity = capacity
}

// waitEnqueued waits until n visits are enqueued, and takes them.
func (s *fixture) waitEnqueued(n int) []queue.VisitRef {
	s.t.Helper()
	for {
		s.mu.Lock()
		if got := s.enqueued; len(got) >= n {
			s.enqueued = nil
			s.mu.Unlock()
			if len(got) > n {
				s.t.Fatalf("%d visits are enqueued (%v), want %d", len(got), got, n)
			}
			return got
		}
		moved := s.moved
		s.mu.Unlock()
		select {
		case <-moved:
		case <-s.done:
			s.t.Fatalf("the scheduler has stopped (%s, %v) before it enqueued %d visits", s.status.State, s.err, n)
		}
	}
}

// wantNoneEnqueued checks that no further visit was enqueued.
func (s *fixture) wantNoneEnqueued() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.enqueued) > 0 {
		s.t.Fatalf("%v are enqueued, want no visit", s.enqueued)
	}
}

// move moves the job to a state, as a user does.
func (s *fixture) move(to crawler.State) {
	s.t.Helper()
	from := []crawler.State{crawler.StateCreated, crawler.StateRunning, crawler.StatePaused}
	moved, err := s.Store.Move(s.t.Context(), s.job, to, "", from...)
	if err != nil || !moved {
		s.t.Fatalf("the job does not become %s: %v", to, err)
	}
}

// seed admits URLs and marks the job as seeded.
func (s *fixture) seed(urls ...string) {
	s.t.Helper()
	s.admit(urls...)
	s.seeded()
}

func (s *fixture) seeded() {
	s.t.Helper()
	if err := s.Seeded(s.t.Context(), s.job, true); err != nil {
		s.t.Fatal(err)
	}
}

func (s *fixture) admit(urls ...string) {
	s.t.Helper()
	entries := make([]queue.Entry, len(urls))
	for i, u := range urls {
		parsed, err := crawler.ParseURL(u)
		if err != nil {
			s.t.Fatal(err)
		}
		entries[i] = queue.Entry{URL: parsed}
	}
	if fresh, err := s.Admit(s.t.Context(), entries); err != nil || fresh != len(urls) {
		s.t.Fatalf("%d of %v are new: %v", fresh, urls, err)
	}
}

// sites returns the front pages of n hosts.
func sites(n int) []string {
	urls := make([]string, n)
	for i := range urls {
		urls[i] = fmt.Sprintf("https://site%d.example/", i)
	}
	return urls
}

// counts reads the job's counters without the scheduler.
func (s *fixture) counts() crawler.Counters {
	s.t.Helper()
	c, err := s.Frontier.Counters(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// openVisit is an open visit of a worker simulated by the test.
type openVisit struct {
	visit.HostLease
	t     testing.TB
	taken []queue.Taken
}

func (s *fixture) open(o queue.VisitRef) *openVisit {
	s.t.Helper()
	lease, err := s.Open(s.t.Context(), o, "worker", visit.Want{})
	if err != nil {
		s.t.Fatalf("open %v: %v", o, err)
	}
	return &openVisit{HostLease: lease, t: s.t}
}

func (v *openVisit) take() *openVisit {
	v.t.Helper()
	taken, err := v.Take(v.t.Context(), 100, 0)
	if err != nil {
		v.t.Fatal(err)
	}
	v.taken = taken
	return v
}

// fetched settles the taken URLs as fetched, each with a body of this many bytes.
func (v *openVisit) fetched(bytes int64) *openVisit {
	v.t.Helper()
	done := make([]queue.Settlement, len(v.taken))
	for i, t := range v.taken {
		done[i] = queue.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeFetched, Bytes: bytes}
	}
	if err := v.Settle(v.t.Context(), done); err != nil {
		v.t.Fatal(err)
	}
	return v
}

func (v *openVisit) close() {
	v.t.Helper()
	if err := v.Close(v.t.Context(), queue.Rest{}); err != nil {
		v.t.Fatal(err)
	}
}

// visit carries out a whole visit.
func (s *fixture) visit(o queue.VisitRef) {
	s.t.Helper()
	s.open(o).take().fetched(1).close()
}
