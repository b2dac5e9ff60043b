package scheduler_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/scheduler"
)

// neverSweep disables sweeps, so that no visit is enqueued because of one.
var neverSweep = scheduler.Config{Tick: 2 * time.Millisecond, SweepEvery: time.Hour}

// In TestABatchThatCouldNotBeEnqueuedIsEnqueuedLater, asynq becomes unavailable in the middle of a
// batch.
func TestABatchThatCouldNotBeEnqueuedIsEnqueuedLater(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newFixture(t, url)
		s.seed(sites(10)...)
		enqueued, failures := 0, 0
		s.hook("enqueue", func() error {
			o := s.waitEnqueued(1)[0]
			if enqueued >= 3 && failures < 5 {
				failures++
				return errors.New("connection refused")
			}
			enqueued++
			s.visit(o) // its epoch is unchanged since it was armed
			return nil
		})
		s.run(neverSweep)
		s.wantEnd(crawler.StateDone, "")
		if enqueued != 10 || failures != 5 {
			t.Errorf("%d visits are enqueued after %d failures, want 10 after 5", enqueued, failures)
		}
		if c := s.counts(); c.Visits != 10 || c.Broken != 0 {
			t.Errorf("%d visits were opened and %d broke, want 10 and none", c.Visits, c.Broken)
		}
	})
}

func TestAStoppingSchedulerEnqueuesTheVisitsThatItArmed(t *testing.T) {
	t.Parallel()
	s := newFixture(t, redistest.Private(t))
	s.seed(sites(10)...)
	var cancel context.CancelFunc
	var began sync.WaitGroup
	began.Add(1)
	left := 4
	s.hook("enqueue", func() error {
		began.Wait()
		if left--; left == 0 {
			cancel()
			return context.Canceled
		}
		return nil
	})
	cancel = s.run(neverSweep)
	began.Done()
	<-s.done
	hosts := make(map[crawler.Host]bool)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.enqueued {
		hosts[o.Host] = true
	}
	if len(hosts) != 10 {
		t.Errorf("%d of 10 armed visits are enqueued", len(hosts))
	}
}

// In TestTwoSchedulersDoNotOverfillTheFleet, both schedulers read the counters before either arms
// visits.
func TestTwoSchedulersDoNotOverfillTheFleet(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		one := newFixture(t, url)
		other := one.inOtherProcess(t, url)
		one.seed(sites(40)...)
		var started sync.WaitGroup
		both := []*fixture{one, other}
		started.Add(len(both))
		for _, s := range both {
			s.setCapacity(10)
			waitForBoth := sync.OnceFunc(func() { started.Done(); started.Wait() })
			s.hook("arm", func() error { waitForBoth(); return nil })
			s.run(neverSweep)
		}
		for _, s := range both {
			s.waitCalls("counters", 5)
			if c := s.counts(); c.Armed > 10 {
				t.Fatalf("%d visits are armed for a fleet of 10", c.Armed)
			}
		}
		for one.counts().Armed < 10 {
			one.waitCalls("counters", 1)
		}
	})
}
