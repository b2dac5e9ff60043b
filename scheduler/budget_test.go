package scheduler_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
)

// TestABudgetEndsTheJob tells of two visits that are under way and a host that
// waits when a budget is spent.
func TestABudgetEndsTheJob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		budget string
		set    func(*crawler.Job)
		spend  func(*stage, *visit)
	}{
		{"pages", func(j *crawler.Job) { j.Pages = 1 }, func(_ *stage, v *visit) { v.take().fetched(1) }},
		{"bytes", func(j *crawler.Job) { j.Bytes = 1000 }, func(_ *stage, v *visit) { v.take().fetched(1000) }},
		{"time", func(j *crawler.Job) { j.Time = crawler.Duration(time.Hour) }, func(s *stage, _ *visit) { s.shorten() }},
	} {
		t.Run(c.budget, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) {
				t.Parallel()
				s := newStage(t, url, c.set)
				ending := make(chan struct{})
				s.on("end", func() error { close(ending); return nil })
				s.employ(2)
				s.seed(sites(3)...)
				s.run(quick)
				orders := s.ordered(2)
				one, other := s.open(orders[0]), s.open(orders[1])
				c.spend(s, one)
				<-ending
				s.goesOn() // both visits are under way
				if status, err := s.Store.Status(t.Context(), s.job); err != nil || status.Ending != c.budget {
					t.Errorf("the job ends because of %q (%v), want %q", status.Ending, err, c.budget)
				}
				one.close()
				s.goesOn() // and one of them still is
				other.close()
				s.ends(crawler.StateDone, "budget of "+c.budget)
				s.orderedNone()
				if due := s.now().Due; due == 0 {
					t.Error("no host is due, want the one that was not visited any more")
				}
			})
		})
	}
}

// TestABudgetIsTheReasonOnlyIfItLeftSomething crawls four hosts of a page each.
func TestABudgetIsTheReasonOnlyIfItLeftSomething(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		set    func(*crawler.Job)
		reason string
		pages  int64
	}{
		{"as many pages as there are", func(j *crawler.Job) { j.Pages = 4 }, "", 4},
		{"one page less than there are", func(j *crawler.Job) { j.Pages = 3 }, "budget of pages", 3},
		{"as many bytes as there are", func(j *crawler.Job) { j.Bytes = 400 }, "", 4},
		{"fewer bytes than there are", func(j *crawler.Job) { j.Bytes = 300 }, "budget of bytes", 3},
		{"time enough", func(j *crawler.Job) { j.Time = crawler.Duration(time.Hour) }, "", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) {
				t.Parallel()
				s := newStage(t, url, c.set)
				s.employ(1)
				s.on("enqueue", func() error { s.open(s.ordered(1)[0]).take().fetched(100).close(); return nil })
				s.seed(sites(4)...)
				s.run(quick)
				s.ends(crawler.StateDone, c.reason)
				if got := s.now(); got.Pages() != c.pages || got.Waiting != 4-c.pages {
					t.Errorf("%d pages are fetched and %d wait, want %d of 4 fetched", got.Pages(), got.Waiting, c.pages)
				}
			})
		})
	}
}

func TestAHostsBudgetIsTheReasonIfItLeftURLsOut(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		for _, over := range []bool{false, true} {
			s := newStage(t, url, func(j *crawler.Job) { j.PagesPerHost = 1 })
			s.seed("https://a.example/1", "https://a.example/2")
			s.run(quick)
			v := s.open(s.ordered(1)[0]).take()
			done := []crawler.Settlement{
				{Ticket: v.taken[0].Ticket, Outcome: crawler.OutcomeFetched},
				{Ticket: v.taken[1].Ticket, Outcome: crawler.OutcomeSkipped, Over: over},
			}
			if err := v.Settle(t.Context(), done); err != nil {
				t.Fatal(err)
			}
			v.close()
			s.ends(crawler.StateDone, map[bool]string{true: "budget of pages per host"}[over])
		}
	})
}

// TestAJobThatEndsGivesNoMoreURLsOut tells of a visit that is not told yet that a
// budget is spent.
func TestAJobThatEndsGivesNoMoreURLsOut(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*crawler.Job){
		"bytes": func(j *crawler.Job) { j.Bytes = 100 },
		"time":  func(j *crawler.Job) { j.Time = crawler.Duration(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) {
				t.Parallel()
				s := newStage(t, url, set)
				ending := make(chan struct{})
				s.on("end", func() error { close(ending); return nil })
				s.seed("https://a.example/1", "https://a.example/2")
				s.run(quick)
				v := s.open(s.ordered(1)[0])
				taken, err := v.Take(t.Context(), 1, 0)
				if err != nil || len(taken) != 1 {
					t.Fatalf("%d URLs are taken: %v", len(taken), err)
				}
				v.taken = taken
				v.fetched(100)
				if name == "time" {
					s.shorten()
				}
				<-ending
				s.goesOn()
				if taken, err := v.Take(t.Context(), 1, 0); !errors.Is(err, crawler.ErrSpent) {
					t.Errorf("%d URLs more are taken (%v), want %v", len(taken), err, crawler.ErrSpent)
				}
				v.close()
				s.ends(crawler.StateDone, "budget of "+name)
			})
		})
	}
}

// shorten lets the job's time be over.
func (s *stage) shorten() {
	s.t.Helper()
	job := s.Job()
	job.Time = 1
	if err := s.Change(s.t.Context(), job); err != nil {
		s.t.Fatal(err)
	}
}

func TestTwoSchedulersDoAJobOnce(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		const hosts = 60
		one := newStage(t, url)
		other := one.twin(t, url)
		one.seed(sites(hosts)...)
		both := []*stage{one, other}
		var met sync.WaitGroup // neither does it all before the other has begun
		met.Add(len(both))
		var mu sync.Mutex
		enqueued := make(map[crawler.Order]int)
		for _, s := range both {
			s.employ(5)
			meet := sync.OnceFunc(func() { met.Done(); met.Wait() })
			s.on("arm", func() error { meet(); return nil })
			s.on("enqueue", func() error {
				o := s.ordered(1)[0]
				mu.Lock()
				enqueued[o]++
				mu.Unlock()
				s.visited(o)
				return nil
			})
			s.run(quick)
		}
		for _, s := range both {
			s.ends(crawler.StateDone, "")
		}
		for o, n := range enqueued {
			if n != 1 {
				t.Errorf("the visit %v is enqueued %d times", o, n)
			}
		}
		if c := one.now(); len(enqueued) != hosts || c.Visits != hosts || c.Pages() != hosts {
			t.Errorf("%d visits are enqueued, %d opened, %d pages fetched, want %d of each", len(enqueued), c.Visits, c.Pages(), hosts)
		}
		if !one.status.Ended.Equal(other.status.Ended) {
			t.Errorf("the job ended at %v and again at %v", one.status.Ended, other.status.Ended)
		}
	})
}
