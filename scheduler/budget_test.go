package scheduler_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// In TestABudgetEndsTheJob, two visits are open and a host is waiting when a budget is spent.
func TestABudgetEndsTheJob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		budget string
		set    func(*crawler.Job)
		spend  func(*fixture, *openVisit)
	}{
		{"pages", func(j *crawler.Job) { j.Pages = 1 }, func(_ *fixture, v *openVisit) { v.take().fetched(1) }},
		{"bytes", func(j *crawler.Job) { j.Bytes = 1000 }, func(_ *fixture, v *openVisit) { v.take().fetched(1000) }},
		{"time", func(j *crawler.Job) { j.Time = time.Hour },
			func(s *fixture, _ *openVisit) { s.exceedTimeLimit() }},
	} {
		t.Run(c.budget, func(t *testing.T) {
			t.Parallel()
			redistest.Sampled(t, func(t *testing.T, url string) {
				t.Parallel()
				s := newFixture(t, url, c.set)
				ending := make(chan struct{})
				s.hook("end", func() error { close(ending); return nil })
				s.setCapacity(2)
				s.seed(sites(3)...)
				s.run(fastConfig)
				orders := s.waitEnqueued(2)
				one, other := s.open(orders[0]), s.open(orders[1])
				c.spend(s, one)
				<-ending
				s.wantRunning() // both visits are still open
				if status, err := s.Store.Status(t.Context(), s.job); err != nil || status.Ending != c.budget {
					t.Errorf("the job ended with reason %q (%v), want %q", status.Ending, err, c.budget)
				}
				one.close()
				s.wantRunning() // and one of them still is
				other.close()
				s.wantEnd(crawler.StateDone, "budget of "+c.budget)
				s.wantNoneEnqueued()
				if due := s.counts().Due; due == 0 {
					t.Error("no host is due, want the one that was not visited")
				}
			})
		})
	}
}

// TestABudgetIsTheReasonOnlyIfURLsRemain crawls four hosts with one page each.
func TestABudgetIsTheReasonOnlyIfURLsRemain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		set    func(*crawler.Job)
		reason string
		pages  int64
	}{
		{"a budget of all pages", func(j *crawler.Job) { j.Pages = 4 }, "", 4},
		{"a budget of one page less", func(j *crawler.Job) { j.Pages = 3 }, "budget of pages", 3},
		{"a budget of all bytes", func(j *crawler.Job) { j.Bytes = 400 }, "", 4},
		{"a budget of fewer bytes", func(j *crawler.Job) { j.Bytes = 300 }, "budget of bytes", 3},
		{"enough time", func(j *crawler.Job) { j.Time = time.Hour }, "", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Sampled(t, func(t *testing.T, url string) {
				t.Parallel()
				s := newFixture(t, url, c.set)
				s.setCapacity(1)
				s.hook("enqueue", func() error { s.open(s.waitEnqueued(1)[0]).take().fetched(100).close(); return nil })
				s.seed(sites(4)...)
				s.run(fastConfig)
				s.wantEnd(crawler.StateDone, c.reason)
				if got := s.counts(); got.Pages() != c.pages || got.Waiting != 4-c.pages {
					t.Errorf("%d pages are fetched and %d wait, want %d of 4 fetched", got.Pages(), got.Waiting,
						c.pages)
				}
			})
		})
	}
}

func TestAHostsBudgetIsTheReasonIfItExcludedURLs(t *testing.T) {
	t.Parallel()
	redistest.Sampled(t, func(t *testing.T, url string) {
		t.Parallel()
		for _, over := range []bool{false, true} {
			s := newFixture(t, url, func(j *crawler.Job) { j.PagesPerHost = 1 })
			s.seed("https://a.example/1", "https://a.example/2")
			s.run(fastConfig)
			v := s.open(s.waitEnqueued(1)[0]).take()
			done := []queue.Settlement{
				{Ticket: v.taken[0].Ticket, Outcome: crawler.OutcomeFetched},
				{Ticket: v.taken[1].Ticket, Outcome: crawler.OutcomeSkipped, Over: over},
			}
			if err := v.Settle(t.Context(), done); err != nil {
				t.Fatal(err)
			}
			v.close()
			s.wantEnd(crawler.StateDone, map[bool]string{true: "budget of pages per host"}[over])
		}
	})
}

// In TestAnEndingJobHandsOutNoMoreURLs, an open visit does not know yet that a budget is spent.
func TestAnEndingJobHandsOutNoMoreURLs(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*crawler.Job){
		"bytes": func(j *crawler.Job) { j.Bytes = 100 },
		"time":  func(j *crawler.Job) { j.Time = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redistest.Sampled(t, func(t *testing.T, url string) {
				t.Parallel()
				s := newFixture(t, url, set)
				ending := make(chan struct{})
				s.hook("end", func() error { close(ending); return nil })
				s.seed("https://a.example/1", "https://a.example/2")
				s.run(fastConfig)
				v := s.open(s.waitEnqueued(1)[0])
				taken, err := v.Take(t.Context(), 1, 0)
				if err != nil || len(taken) != 1 {
					t.Fatalf("%d URLs are taken: %v", len(taken), err)
				}
				v.taken = taken
				v.fetched(100)
				if name == "time" {
					s.exceedTimeLimit()
				}
				<-ending
				s.wantRunning()
				if taken, err := v.Take(t.Context(), 1, 0); !errors.Is(err, queue.ErrSpent) {
					t.Errorf("%d more URLs are taken (%v), want %v", len(taken), err, queue.ErrSpent)
				}
				v.close()
				s.wantEnd(crawler.StateDone, "budget of "+name)
			})
		})
	}
}

// exceedTimeLimit changes the job's time limit to one that has passed.
func (s *fixture) exceedTimeLimit() {
	s.t.Helper()
	job := s.Job()
	job.Time = 1
	if err := s.Change(s.t.Context(), job); err != nil {
		s.t.Fatal(err)
	}
}

func TestTwoSchedulersRunAJobOnce(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		const hosts = 60
		one := newFixture(t, url)
		other := one.inOtherProcess(t, url)
		one.seed(sites(hosts)...)
		both := []*fixture{one, other}
		var started sync.WaitGroup // prevents one from running all visits before the other has started
		started.Add(len(both))
		var mu sync.Mutex
		enqueued := make(map[queue.VisitRef]int)
		for _, s := range both {
			s.setCapacity(5)
			waitForBoth := sync.OnceFunc(func() { started.Done(); started.Wait() })
			s.hook("arm", func() error { waitForBoth(); return nil })
			s.hook("enqueue", func() error {
				o := s.waitEnqueued(1)[0]
				mu.Lock()
				enqueued[o]++
				mu.Unlock()
				s.visit(o)
				return nil
			})
			s.run(fastConfig)
		}
		for _, s := range both {
			s.wantEnd(crawler.StateDone, "")
		}
		for o, n := range enqueued {
			if n != 1 {
				t.Errorf("the visit %v is enqueued %d times", o, n)
			}
		}
		if c := one.counts(); len(enqueued) != hosts || c.Visits != hosts || c.Pages() != hosts {
			t.Errorf("%d visits are enqueued, %d opened, %d pages fetched, want %d of each", len(enqueued), c.Visits,
				c.Pages(), hosts)
		}
		if !one.status.Ended.Equal(other.status.Ended) {
			t.Errorf("the job ended at %v and again at %v", one.status.Ended, other.status.Ended)
		}
	})
}
