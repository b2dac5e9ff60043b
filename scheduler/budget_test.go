package scheduler_test

import (
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
