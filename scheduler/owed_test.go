package scheduler_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
	"github.com/trawlcrawler/trawl/scheduler"
)

// never sweeps not at all: what is enqueued was not waited for.
var never = scheduler.Config{Tick: 2 * time.Millisecond, SweepEvery: time.Hour}

// TestABatchThatCouldNotBeEnqueuedIs tells of an asynq that goes away in the middle
// of a batch.
func TestABatchThatCouldNotBeEnqueuedIs(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newStage(t, url)
		s.seed(sites(10)...)
		enqueued, failures := 0, 0
		s.on("enqueue", func() error {
			o := s.ordered(1)[0]
			if enqueued >= 3 && failures < 5 {
				failures++
				return errors.New("connection refused")
			}
			enqueued++
			s.visited(o) // its epoch is still the one that was armed
			return nil
		})
		s.run(never)
		s.ends(crawler.StateDone, "")
		if enqueued != 10 || failures != 5 {
			t.Errorf("%d visits are enqueued after %d failures, want 10 after 5", enqueued, failures)
		}
		if c := s.now(); c.Visits != 10 || c.Broken != 0 {
			t.Errorf("%d visits were opened and %d broke, want 10 and none", c.Visits, c.Broken)
		}
	})
}

func TestASchedulerThatLeavesEnqueuesWhatItArmed(t *testing.T) {
	t.Parallel()
	s := newStage(t, redistest.Builtin(t))
	s.seed(sites(10)...)
	var cancel context.CancelFunc
	var began sync.WaitGroup
	began.Add(1)
	left := 4
	s.on("enqueue", func() error {
		began.Wait()
		if left--; left == 0 {
			cancel()
			return context.Canceled
		}
		return nil
	})
	cancel = s.run(never)
	began.Done()
	<-s.over
	hosts := make(map[crawler.Host]bool)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		hosts[o.Host] = true
	}
	if len(hosts) != 10 {
		t.Errorf("%d of 10 visits that were armed are enqueued", len(hosts))
	}
}

// TestSchedulersTogetherFillTheFleetOnce lets two look before either has armed.
func TestSchedulersTogetherFillTheFleetOnce(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		one := newStage(t, url)
		other := one.twin(t, url)
		one.seed(sites(40)...)
		var met sync.WaitGroup
		both := []*stage{one, other}
		met.Add(len(both))
		for _, s := range both {
			s.employ(10)
			meet := sync.OnceFunc(func() { met.Done(); met.Wait() })
			s.on("arm", func() error { meet(); return nil })
			s.run(never)
		}
		for _, s := range both {
			s.sees("counters", 5)
			if c := s.now(); c.Armed > 10 {
				t.Fatalf("%d visits are armed for a fleet of 10", c.Armed)
			}
		}
		for one.now().Armed < 10 {
			one.sees("counters", 1)
		}
	})
}
