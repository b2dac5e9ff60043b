package fleet

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/frontier"
)

// notice board of a test: what the others said, and how many tasks wait.
type fakeBoard struct {
	mu      sync.Mutex
	others  []frontier.WorkerLoad
	pending int
}

func (b *fakeBoard) ShareLoad(context.Context, frontier.WorkerLoad) ([]frontier.WorkerLoad, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.others, nil
}

func (b *fakeBoard) Leave(context.Context, string) error { return nil }

func (b *fakeBoard) MendQueue(context.Context, string) ([]string, error) { return nil, nil }

func (b *fakeBoard) Pending(context.Context, string) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending, nil
}

func newTestPlaces(t *testing.T, most, pending int, others ...frontier.WorkerLoad) *places {
	t.Helper()
	p := newPlaces(&fakeBoard{others: others, pending: pending}, "w", most, slog.New(slog.DiscardHandler))
	t.Cleanup(p.close)
	p.tell(t.Context())
	for _, job := range []string{"a", "b", "c"} {
		p.serve(job)
	}
	return p
}

// task takes a task and begins it.
func (p *places) task(t *testing.T, job string) (finish func()) {
	t.Helper()
	if !p.Before(t.Context(), job) {
		t.Fatalf("job %s gets no place", job)
	}
	p.After(job, true)
	end := p.Begin(job)
	return func() { end(); p.Finished(job) }
}

func TestAllJobsOfAWorkerShareItsPlaces(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 3, 0)
	finish := p.task(t, "a")
	p.task(t, "b")
	p.task(t, "c")
	if p.Before(t.Context(), "a") || !p.full() {
		t.Error("with three of three places taken, a queue is asked for another task")
	}
	finish()
	p.task(t, "b")
}

func TestAPlaceIsReservedWhileAQueueIsAsked(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	if !p.Before(t.Context(), "a") {
		t.Fatal("the only place is not to be had")
	}
	if p.Before(t.Context(), "b") {
		t.Error("two queues are asked for one place")
	}
	if p.full() {
		t.Error("a place that is only reserved counts as taken")
	}
	p.After("a", false)
	p.task(t, "b")
}

func TestAPlaceIsTakenAsSoonAsOneIsFree(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	finish := p.task(t, "a")
	got := make(chan bool)
	go func() {
		for !p.Before(context.Background(), "b") {
		}
		got <- true
	}()
	finish()
	<-got
}

func TestWhereFewTasksWaitTheWorkerWithTheMostRoomTakesThem(t *testing.T) {
	t.Parallel()
	other := func(taken int, jobs ...string) frontier.WorkerLoad {
		return frontier.WorkerLoad{Worker: "o", Places: 5, Taken: taken, Jobs: jobs}
	}
	for _, c := range []struct {
		situation string
		waiting   int
		others    []frontier.WorkerLoad
		want      bool
	}{
		{"it is alone", 1, nil, true},
		{"the other has as much room", 1, []frontier.WorkerLoad{other(1, "a")}, true},
		{"the other has more room", 1, []frontier.WorkerLoad{other(0, "a")}, false},
		{"the other has more room, and serves another job", 1, []frontier.WorkerLoad{other(0, "b")}, true},
		{"more tasks wait than the other takes until it is even", 2, []frontier.WorkerLoad{other(0, "a")}, true},
		{"three others have more room, and each takes one", 3,
			[]frontier.WorkerLoad{other(0, "a"), other(0, "a"), other(0, "a")}, false},
	} {
		t.Run(c.situation, func(t *testing.T) {
			t.Parallel()
			p := newTestPlaces(t, 5, c.waiting, c.others...)
			p.mu.Lock()
			p.taken = 1
			p.mu.Unlock()
			if got := p.Before(t.Context(), "a"); got != c.want {
				t.Errorf("it takes a task: %v, want %v", got, c.want)
			}
		})
	}
}

func TestOfATaskForEachAWorkerTakesItsPartAlone(t *testing.T) {
	t.Parallel()
	b := &fakeBoard{pending: 5}
	for range 3 {
		b.others = append(b.others, frontier.WorkerLoad{Places: 10, Jobs: []string{"a"}})
	}
	p := newTestPlaces(t, 10, b.pending, b.others...)
	p.task(t, "a") // as much room as the others: the first of six
	p.task(t, "a") // five wait, of which the others take three until they are even
	p.board.(*fakeBoard).pending = 4
	if p.Before(t.Context(), "a") {
		t.Error("of six tasks for four workers, one takes three")
	}
}

func TestATaskThatNobodyElseTakesIsTakenSoon(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 5, 1, frontier.WorkerLoad{Worker: "dead", Places: 50, Jobs: []string{"a"}})
	if p.Before(t.Context(), "a") {
		t.Fatal("it does not wait for the other")
	}
	for !p.Before(t.Context(), "a") {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("it waits forever")
		}
	}
}

func TestATaskThatAsynqNeverBeginsGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	if !p.Before(t.Context(), "a") {
		t.Fatal("the only place is not to be had")
	}
	p.After("a", true)
	p.mu.Lock()
	p.lapse(time.Now().Add(2 * handTerm))
	p.mu.Unlock()
	p.task(t, "b")
}
