package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/frontier"
)

// fakeBoard is a notice board with the loads of the other workers and the number of pending tasks.
type fakeBoard struct {
	mu      sync.Mutex
	others  []frontier.WorkerLoad
	pending int
}

func (b *fakeBoard) ShareLoad(context.Context, frontier.WorkerLoad, time.Duration) ([]frontier.WorkerLoad, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.others, nil
}

// add adds tasks that wait.
func (b *fakeBoard) add(tasks int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending += tasks
}

func (b *fakeBoard) Leave(context.Context, string) error { return nil }

func (b *fakeBoard) MendQueue(context.Context, string) ([]string, error) { return nil, nil }

func (b *fakeBoard) Queues(_ context.Context, queues []string) (map[string]frontier.QueueTasks, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := make(map[string]frontier.QueueTasks)
	for _, queue := range queues {
		if b.pending > 0 {
			found[queue] = frontier.QueueTasks{Pending: true}
		}
	}
	return found, nil
}

func (b *fakeBoard) Signals(ctx context.Context, _ func(job string)) { <-ctx.Done() }

func (b *fakeBoard) Pending(context.Context, string) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending, nil
}

func newTestPlaces(t *testing.T, most, pending int, others ...frontier.WorkerLoad) *places {
	t.Helper()
	p := newPlaces(&fakeBoard{others: others, pending: pending}, "w", most, newLull(), slog.New(slog.DiscardHandler))
	t.Cleanup(p.close)
	p.tell(t.Context())
	p.term = time.Hour // a slow machine may take longer than the default
	for _, job := range []string{"a", "b", "c"} {
		p.serve(job, func() activity.Spent { return activity.Spent{} })
		p.watch(job, &standby{over: true})
	}
	return p
}

// startTask takes a task of the job and begins it.
func (p *places) startTask(t *testing.T, job string) (finish func()) {
	t.Helper()
	if !p.Before(t.Context(), job) {
		t.Fatalf("job %s did not get a place", job)
	}
	p.After(job, true)
	end := p.Begin(job)
	return func() { end(); p.Finished(job) }
}

func TestAWorkerReportsWhatItsJobsSpendTimeOn(t *testing.T) {
	t.Parallel()
	p := newPlaces(&fakeBoard{}, "w", 5, newLull(), slog.New(slog.DiscardHandler))
	t.Cleanup(p.close)
	var spent atomic.Int64
	for n := range maxSpent + 2 {
		p.serve(fmt.Sprint("job", n), func() activity.Spent {
			return activity.Spent{activity.Server: time.Duration(n) * time.Duration(spent.Load())}
		})
	}
	if l := p.load(); len(l.Spent) != 0 {
		t.Errorf("before any visit: %v", l.Spent)
	}
	spent.Store(int64(time.Second))
	l := p.load()
	last := activity.Spent{activity.Server: 17 * time.Second}
	if l.Within <= 0 || len(l.Spent) != maxSpent || l.Spent["job17"] != last {
		t.Errorf("within %s: %v, want the %d jobs with the most time", l.Within, l.Spent, maxSpent)
	}
}

func TestTheJobsOfAWorkerShareItsPlaces(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 3, 0)
	finish := p.startTask(t, "a")
	p.startTask(t, "b")
	p.startTask(t, "c")
	if p.Before(t.Context(), "a") || !p.full() {
		t.Error("all three places are taken, but a queue is asked for another task")
	}
	finish()
	p.startTask(t, "b")
}

func TestAPlaceIsReservedWhileATaskIsDequeued(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	if !p.Before(t.Context(), "a") {
		t.Fatal("the only place is not available")
	}
	if p.Before(t.Context(), "b") {
		t.Error("two queues are asked for a task, with one place")
	}
	if p.full() {
		t.Error("a reserved place counts as taken")
	}
	p.After("a", false)
	p.startTask(t, "b")
}

func TestAFreedPlaceIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	finish := p.startTask(t, "a")
	got := make(chan bool)
	go func() {
		for !p.Before(context.Background(), "b") {
		}
		got <- true
	}()
	finish()
	<-got
}

func TestTheWorkerWithTheMostFreePlacesTakesTheLastTasks(t *testing.T) {
	t.Parallel()
	other := func(taken int, jobs ...string) frontier.WorkerLoad {
		return frontier.WorkerLoad{Worker: "o", Places: 5, Taken: taken, Jobs: jobs}
	}
	for _, c := range []struct {
		name    string
		waiting int
		others  []frontier.WorkerLoad
		want    bool
	}{
		{"there is no other worker", 1, nil, true},
		{"the other has as many free places", 1, []frontier.WorkerLoad{other(1, "a")}, true},
		{"the other has more free places", 1, []frontier.WorkerLoad{other(0, "a")}, false},
		{"the other has more free places, but serves another job", 1, []frontier.WorkerLoad{other(0, "b")}, true},
		{"the other has more free places, but too few for all tasks", 2,
			[]frontier.WorkerLoad{other(0, "a")}, true},
		{"three others have more free places, and each takes one task", 3,
			[]frontier.WorkerLoad{other(0, "a"), other(0, "a"), other(0, "a")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newTestPlaces(t, 5, c.waiting, c.others...)
			p.mu.Lock()
			p.taken = 1
			p.mu.Unlock()
			if got := p.Before(t.Context(), "a"); got != c.want {
				t.Errorf("takes a task: got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAWorkerTakesOnlyItsShareOfTheTasks(t *testing.T) {
	t.Parallel()
	b := &fakeBoard{pending: 5}
	for range 3 {
		b.others = append(b.others, frontier.WorkerLoad{Places: 10, Jobs: []string{"a"}})
	}
	p := newTestPlaces(t, 10, b.pending, b.others...)
	p.startTask(t, "a") // as many free places as the others: the first of six tasks
	p.startTask(t, "a") // five wait; the others take three until all have one
	p.board.(*fakeBoard).pending = 4
	if p.Before(t.Context(), "a") {
		t.Error("one of four workers takes three of six tasks")
	}
}

func TestATaskThatNoOtherWorkerTakesIsTakenSoon(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 5, 1, frontier.WorkerLoad{Worker: "dead", Places: 50, Jobs: []string{"a"}})
	if p.Before(t.Context(), "a") {
		t.Fatal("the worker does not wait for the other one")
	}
	for !p.Before(t.Context(), "a") {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the worker never takes the task")
		}
	}
}

func TestThePlaceOfATaskThatNeverBeginsIsFreed(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	if !p.Before(t.Context(), "a") {
		t.Fatal("the only place is not available")
	}
	p.After("a", true)
	p.mu.Lock()
	p.lapse(time.Now().Add(2 * handTerm))
	p.mu.Unlock()
	p.startTask(t, "b")
}

func TestAQueueWithoutTasksRestsUntilASignalOrATask(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 4, 0)
	rest := func(job string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.jobs[job].awake = time.Now().Add(-time.Nanosecond)
	}
	for _, job := range []string{"a", "b", "c"} {
		rest(job)
		if p.Before(t.Context(), job) {
			t.Errorf("the queue of %s is asked, although it rests", job)
		}
	}
	p.arouse("b")
	if p.Before(t.Context(), "a") || !p.Before(t.Context(), "b") {
		t.Error("after a signal for b, want its queue to be asked, and that of a not")
	}
	p.After("b", true) // a task
	rest("a")
	p.arouse("") // signals were missed
	if !p.Before(t.Context(), "a") {
		t.Error("the queue of a rests although signals were missed")
	}
	p.After("a", false)
}

func TestQueuesThatRestAreAskedWhenTheFirstPlaceIsFree(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	finish := p.startTask(t, "a")
	p.mu.Lock()
	p.jobs["b"].awake = time.Now().Add(-time.Nanosecond)
	p.mu.Unlock()
	finish()
	p.startTask(t, "b")
}

func TestATaskWithoutASignalIsFound(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 1)
	p.mu.Lock()
	p.jobs["a"].awake = time.Now().Add(-time.Nanosecond)
	p.mu.Unlock()
	for !p.Before(t.Context(), "a") {
		runtime.Gosched()
	}
}

func TestATourTakesAPlaceForEachVisit(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 5, 0)
	finish := p.startTask(t, "a")
	if n := p.Reserve("a", 2); n != 2 {
		t.Errorf("%d of two places are reserved", n)
	}
	p.startTask(t, "b")
	if n := p.Reserve("b", 31); n != 1 || !p.full() {
		t.Errorf("%d places are reserved, want the last one", n)
	}
	p.Release("a")
	p.Release("a")
	finish()
	if n := p.Reserve("a", 31); n != 3 {
		t.Errorf("%d places are reserved, want the three that are free again", n)
	}
}
