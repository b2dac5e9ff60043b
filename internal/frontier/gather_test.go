package frontier

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// recorder carries out batches of numbers, and records them. Each takes a millisecond.
type recorder struct {
	mu      sync.Mutex
	batches [][]*int
	begins  []time.Duration // since the first call of run
	first   time.Time
}

func (r *recorder) run(_ context.Context, calls []*int) {
	r.mu.Lock()
	if r.first.IsZero() {
		r.first = time.Now()
	}
	r.batches = append(r.batches, slices.Clone(calls))
	r.begins = append(r.begins, time.Since(r.first))
	r.mu.Unlock()
	time.Sleep(time.Millisecond)
	for _, c := range calls {
		*c++
	}
}

// sizes returns how many calls each batch had.
func (r *recorder) sizes() (all []int) {
	for _, b := range r.batches {
		all = append(all, len(b))
	}
	return all
}

// together makes n calls at the same time, and waits for them. Each must have been carried out once.
func together(t *testing.T, g *gatherer[*int], n int) {
	t.Helper()
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			var c int
			if err := g.do(t.Context(), &c); err != nil || c != 1 {
				t.Errorf("a call was carried out %d times (%v), want once", c, err)
			}
		})
	}
	calls.Wait()
}

func TestCallsThatComeWhileABatchIsUnderWayShareTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		g := newGatherer(gatherPace, r.run)
		together(t, g, busyCalls-1)
		if !slices.Equal(r.sizes(), []int{1, busyCalls - 2}) && len(r.sizes()) != 1 {
			t.Errorf("the batches have %v calls, want the first alone, and all others", r.sizes())
		}
		if last := r.begins[len(r.begins)-1]; last > time.Millisecond {
			t.Errorf("the last batch begins after %v, want no later than the first has ended", last)
		}
	})
}

func TestACallThatIsAloneDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		g := newGatherer(gatherPace, r.run)
		began := time.Now()
		for range 50 {
			together(t, g, 1)
			time.Sleep(10 * time.Millisecond) // half as often as when the verb is busy
		}
		if took := time.Since(began); took != 50*11*time.Millisecond {
			t.Errorf("50 calls took %v, want 550ms: a millisecond for each, and the pauses between them", took)
		}
	})
}

func TestManyCallsAreGatheredAtAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		g := newGatherer(gatherPace, r.run)
		var calls sync.WaitGroup
		const n = 1000
		for range n { // one each millisecond
			calls.Go(func() { together(t, g, 1) })
			time.Sleep(time.Millisecond)
		}
		calls.Wait()
		if len(r.batches) > busyCalls+n/8 {
			t.Errorf("%d calls are made as %d batches: %v", n, len(r.batches), r.sizes())
		}
		for i := 1; i < len(r.begins); i++ {
			if gap := r.begins[i] - r.begins[i-1]; gap > gatherPace+2*time.Millisecond {
				t.Errorf("batch %d begins %v after the one before", i, gap)
			}
		}
	})
}

func TestABatchHasABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		g := newGatherer(gatherPace, r.run)
		together(t, g, 3*gatherMost)
		if most := slices.Max(r.sizes()); most != gatherMost {
			t.Errorf("the batches have %v calls, want at most %d", r.sizes(), gatherMost)
		}
		if last := r.begins[len(r.begins)-1]; last > 5*gatherPace {
			t.Errorf("the last batch begins after %v", last)
		}
	})
}

func TestACallWhoseContextEndsLeavesTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		g := newGatherer(gatherPace, r.run)
		var calls sync.WaitGroup
		calls.Go(func() { together(t, g, 1) })
		synctest.Wait() // it is under way
		ctx, cancel := context.WithCancel(t.Context())
		var left int
		calls.Go(func() {
			if err := g.do(ctx, &left); !errors.Is(err, context.Canceled) {
				t.Errorf("the call that left returns %v", err)
			}
		})
		calls.Go(func() { together(t, g, 3) })
		synctest.Wait()
		cancel()
		calls.Wait()
		if left != 0 {
			t.Errorf("the call that left was carried out %d times", left)
		}
		if want := []int{1, 3}; !slices.Equal(r.sizes(), want) {
			t.Errorf("the batches have %v calls, want %v", r.sizes(), want)
		}
	})
}

func TestACallThatWaitsBeyondItsDeadlineFindsRedisUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		g := newGatherer(gatherPace, r.run)
		var calls sync.WaitGroup
		calls.Go(func() { together(t, g, 1) })
		synctest.Wait() // it is under way, for a millisecond
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond/2)
		defer cancel()
		var late int
		err := g.do(ctx, &late)
		if !errors.Is(err, queue.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || late != 0 {
			t.Errorf("got %v, carried out %d times, want an error after which a visit tries again", err, late)
		}
		calls.Wait()
	})
}

func TestWithoutAPaceEachCallIsCarriedOutByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		together(t, newGatherer(0, r.run), 5)
		if want := []int{1, 1, 1, 1, 1}; !slices.Equal(r.sizes(), want) {
			t.Errorf("the batches have %v calls, want %v", r.sizes(), want)
		}
	})
}
