package scheduler_test

import (
	"fmt"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

// employ says how many visits the workers can carry out at once.
func (s *stage) employ(capacity int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.capacity = capacity
}

// ordered waits until visits are enqueued, to so many hosts, and takes them.
func (s *stage) ordered(n int) []crawler.Order {
	s.t.Helper()
	for {
		s.mu.Lock()
		if got := s.orders; len(got) >= n {
			s.orders = nil
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
		case <-s.over:
			s.t.Fatalf("the scheduler has ended (%s, %v) before it enqueued %d visits", s.status.State, s.err, n)
		}
	}
}

// orderedNone fails the test if a visit was enqueued that nobody took.
func (s *stage) orderedNone() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.orders) > 0 {
		s.t.Fatalf("%v are enqueued, want no visit", s.orders)
	}
}

// goes takes the job into a state, as a user does.
func (s *stage) goes(to crawler.State) {
	s.t.Helper()
	from := []crawler.State{crawler.StateCreated, crawler.StateRunning, crawler.StatePaused}
	moved, err := s.Store.Move(s.t.Context(), s.job, to, "", from...)
	if err != nil || !moved {
		s.t.Fatalf("the job does not go to %s: %v", to, err)
	}
}

// seed admits URLs and says that these are all.
func (s *stage) seed(urls ...string) {
	s.t.Helper()
	s.admit(urls...)
	s.seeded()
}

func (s *stage) seeded() {
	s.t.Helper()
	if err := s.Seeded(s.t.Context(), s.job, true); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) admit(urls ...string) {
	s.t.Helper()
	entries := make([]crawler.Entry, len(urls))
	for i, u := range urls {
		parsed, err := crawler.ParseURL(u)
		if err != nil {
			s.t.Fatal(err)
		}
		entries[i] = crawler.Entry{URL: parsed}
	}
	if fresh, err := s.Admit(s.t.Context(), entries); err != nil || fresh != len(urls) {
		s.t.Fatalf("%d of %v are new: %v", fresh, urls, err)
	}
}

// sites are the front pages of n hosts.
func sites(n int) []string {
	urls := make([]string, n)
	for i := range urls {
		urls[i] = fmt.Sprintf("https://site%d.example/", i)
	}
	return urls
}

// now reads the job's numbers past the scheduler.
func (s *stage) now() crawler.Counters {
	s.t.Helper()
	c, err := s.Frontier.Counters(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// visit is the turn of a worker that the test plays.
type visit struct {
	crawler.Turn
	t     testing.TB
	taken []crawler.Taken
}

func (s *stage) open(o crawler.Order) *visit {
	s.t.Helper()
	turn, err := s.Open(s.t.Context(), o, "worker")
	if err != nil {
		s.t.Fatalf("open %v: %v", o, err)
	}
	return &visit{Turn: turn, t: s.t}
}

func (v *visit) take() *visit {
	v.t.Helper()
	taken, err := v.Take(v.t.Context(), 100, 0)
	if err != nil {
		v.t.Fatal(err)
	}
	v.taken = taken
	return v
}

// fetched settles what was taken; each body has so many bytes.
func (v *visit) fetched(bytes int64) *visit {
	v.t.Helper()
	done := make([]crawler.Settlement, len(v.taken))
	for i, t := range v.taken {
		done[i] = crawler.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeFetched, Bytes: bytes}
	}
	if err := v.Settle(v.t.Context(), done); err != nil {
		v.t.Fatal(err)
	}
	return v
}

func (v *visit) close() {
	v.t.Helper()
	if err := v.Close(v.t.Context(), crawler.Rest{}); err != nil {
		v.t.Fatal(err)
	}
}

// visited carries out all of a visit.
func (s *stage) visited(o crawler.Order) {
	s.t.Helper()
	s.open(o).take().fetched(1).close()
}
