package scheduler_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/scheduler"
)

func TestSeveralRunnersRunAJobOnce(t *testing.T) {
	t.Parallel()
	testFleets(t, 3, func(t *testing.T, h *testFleet) {
		h.create("docs", 30, func(j *crawler.Job) { j.Shards = 2 })
		h.wantState("docs", crawler.StateRunning)
		h.work("docs", func(crawler.Host) {})
		h.wantState("docs", crawler.StateDone)
		c, err := h.Counters(t.Context(), "docs")
		h.must(err)
		if c.Seen != 30 || c.Pages() != 30 || c.Visits != 30 {
			t.Errorf("%d URLs are seen, %d fetched in %d visits, want 30 of each", c.Seen, c.Pages(), c.Visits)
		}
		if reason := h.status("docs").Reason; reason != "" {
			t.Errorf("the job is done with reason %q", reason)
		}
	})
}

func TestARunnerOfOneJobIgnoresOthersAndReportsItsEnd(t *testing.T) {
	t.Parallel()
	testFleets(t, 0, func(t *testing.T, h *testFleet) {
		h.create("mine", 3)
		h.create("theirs", 3)
		ended := make(chan crawler.Status, 1)
		runner := h.openConfigured(scheduler.Config{
			Jobs: []string{"mine"}, Ended: func(s crawler.Status) { ended <- s },
			Tick: time.Hour, // a nudge makes it look at once
		})
		h.wantState("mine", crawler.StateRunning)
		h.work("mine", func(crawler.Host) {})
		h.until("the job is told to have ended", func() bool {
			runner.Nudge("theirs") // no scheduler serves this job
			runner.Nudge("mine")
			return len(ended) > 0
		})
		if s := <-ended; s.Job.Name != "mine" || s.State != crawler.StateDone {
			t.Errorf("the runner reports job %s as %s", s.Job.Name, s.State)
		}
		h.waitRounds(1)
		if state := h.status("theirs").State; state != crawler.StateCreated {
			t.Errorf("the other job is %s", state)
		}
	})
}

// In TestAPartlyStartedJobIsStarted, a runner died after each step of starting a job.
func TestAPartlyStartedJobIsStarted(t *testing.T) {
	t.Parallel()
	testFleets(t, 0, func(t *testing.T, h *testFleet) {
		for _, name := range []string{"created", "admitted", "seeded"} {
			h.create(name, 3)
		}
		for _, name := range []string{"admitted", "seeded"} {
			job := h.status(name).Job
			seeds, err := rules.SeedEntries(job)
			h.must(err)
			_, err = h.store.Frontier(job).Admit(t.Context(), seeds)
			h.must(err)
		}
		h.must(h.store.Seeded(t.Context(), "seeded", true))
		h.open()
		h.open()
		for _, name := range []string{"created", "admitted", "seeded"} {
			h.wantState(name, crawler.StateRunning)
			c, err := h.Counters(t.Context(), name)
			h.must(err)
			if c.Seen != 3 || c.Waiting != 3 || !h.status(name).Seeded {
				t.Errorf("%s: %d URLs are seen and %d wait, want 3", name, c.Seen, c.Waiting)
			}
		}
	})
}

func TestAPauseAppliesToTheJobAndItsQueue(t *testing.T) {
	t.Parallel()
	testFleets(t, 2, func(t *testing.T, h *testFleet) {
		h.create("docs", 3)
		h.wantState("docs", crawler.StateRunning)
		released := make(chan struct{})
		release := sync.OnceFunc(func() { close(released) })
		defer release()
		h.work("docs", func(crawler.Host) { <-released })
		h.until("visits are under way", func() bool {
			c, err := h.Counters(t.Context(), "docs")
			return err == nil && c.Open == 3
		})
		queue := func() bool {
			info, err := h.inspector.GetQueueInfo("docs")
			h.must(err)
			return info.Paused
		}
		h.must(h.Pause(t.Context(), "docs"))
		t.Logf("a pause shows in asynq after %v", h.until("the queue is paused", queue))
		h.waitRounds(2)
		if h.status("docs").State != crawler.StatePaused || !queue() {
			t.Fatal("the pause does not last")
		}
		h.must(h.Resume(t.Context(), "docs"))
		t.Logf("the resume shows after %v", h.until("the queue is resumed", func() bool { return !queue() }))
		h.waitRounds(2)
		if h.status("docs").State != crawler.StateRunning || queue() {
			t.Fatal("the job is not resumed")
		}

		h.must(h.inspector.PauseQueue("docs"))
		t.Logf("a pause in asynq shows after %v", h.wantState("docs", crawler.StatePaused))
		h.waitRounds(2)
		if status := h.status("docs"); status.State != crawler.StatePaused || status.Reason != "paused in asynq" ||
			!queue() {
			t.Fatalf("the job is %s with reason %q", status.State, status.Reason)
		}
		h.must(h.inspector.UnpauseQueue("docs"))
		t.Logf("the resume shows after %v", h.wantState("docs", crawler.StateRunning))
		h.waitRounds(2)
		if h.status("docs").State != crawler.StateRunning || queue() {
			t.Fatal("the job is not resumed")
		}
		release()
		h.wantState("docs", crawler.StateDone)
	})
}

// In TestAPauseBeforeTheFirstVisitLasts, the job has no queue, because no worker has started.
func TestAPauseBeforeTheFirstVisitLasts(t *testing.T) {
	t.Parallel()
	testFleets(t, 2, func(t *testing.T, h *testFleet) {
		h.create("docs", 3)
		h.wantState("docs", crawler.StateRunning)
		h.must(h.Pause(t.Context(), "docs"))
		h.waitRounds(4)
		if state := h.status("docs").State; state != crawler.StatePaused {
			t.Fatalf("a job that was paused is %s", state)
		}
		h.must(h.Resume(t.Context(), "docs"))
		h.work("docs", func(crawler.Host) {})
		h.wantState("docs", crawler.StateDone)
	})
}

func TestOnlyTheRecordOfACancelledJobRemains(t *testing.T) {
	t.Parallel()
	testFleets(t, 2, func(t *testing.T, h *testFleet) {
		h.create("docs", 40)
		h.create("docs-2", 1)
		h.wantState("docs", crawler.StateRunning)
		var once sync.Once
		begun := make(chan struct{})
		h.work("docs", func(crawler.Host) { once.Do(func() { close(begun) }) })
		<-begun
		h.must(h.Cancel(t.Context(), "docs"))
		h.until("the job is cleared", func() bool { return h.status("docs").Cleared })
		h.until("the record alone is left", func() bool { return h.onlyRecordLeft("docs") })
		h.waitRounds(2)
		if keys := h.keys("{docs}"); !h.onlyRecordLeft("docs") {
			t.Errorf("the remaining keys are %v, want only the record and the events", keys)
		}
		h.wantNoQueue("docs")
		if c, err := h.Counters(t.Context(), "docs"); err != nil || c.Seen != 40 {
			t.Errorf("the counters say that %d URLs were seen (%v), want 40", c.Seen, err)
		}
		h.must(h.Remove(t.Context(), "docs"))
		if keys := h.keys("{docs}"); len(keys) > 0 {
			t.Errorf("keys of a removed job remain: %v", keys)
		}
		if h.status("docs-2").State == crawler.StateCancelled {
			t.Error("another job was cancelled too")
		}
	})
}

// In TestAVisitIsEnqueuedAfterItsJobWasCleared, a runner is delayed between arming a visit and
// enqueueing it, until another runner has cleared the cancelled job. Only the first runner knows
// the visit then.
func TestAVisitIsEnqueuedAfterItsJobWasCleared(t *testing.T) {
	t.Parallel()
	testFleets(t, 0, func(t *testing.T, h *testFleet) {
		slow := &delayedQueues{reached: make(chan struct{}), release: make(chan struct{})}
		h.openWithQueues(scheduler.Config{}, func(queues *wire.Dispatcher) scheduler.Queues {
			slow.Queues = queues
			return slow
		})
		h.create("docs", 3)
		h.work("docs", func(crawler.Host) {}) // without a worker nothing is enqueued
		<-slow.reached
		h.must(h.Cancel(t.Context(), "docs"))
		h.open()
		h.until("the job is cleared", func() bool { return h.status("docs").Cleared })
		close(slow.release)
		h.until("the late visit is cleared", func() bool { return slow.entered.Load() && h.onlyRecordLeft("docs") })
		h.waitRounds(2)
		if !h.onlyRecordLeft("docs") {
			t.Errorf("the remaining keys are %v, want only the record", h.keys("{docs}"))
		}
	})
}

// delayedQueues delays enqueueing until it is released.
type delayedQueues struct {
	scheduler.Queues
	once             sync.Once
	reached, release chan struct{}
	entered          atomic.Bool // a visit was enqueued
}

func (q *delayedQueues) Enqueue(ctx context.Context, job crawler.Status, orders []queue.VisitRef) (int, error) {
	q.once.Do(func() { close(q.reached) })
	<-q.release
	defer q.entered.Store(true)
	return q.Queues.Enqueue(ctx, job, orders)
}

// onlyRecordLeft reports whether only the record of a job and its events are left in Redis.
func (h *testFleet) onlyRecordLeft(job string) bool {
	h.t.Helper()
	queues, err := h.inspector.Queues()
	h.must(err)
	keys := slices.Sorted(slices.Values(h.keys("{" + job + "}")))
	return slices.Equal(keys, []string{"trawl:{" + job + "}:events", "trawl:{" + job + "}:job"}) &&
		!slices.Contains(queues, job)
}

// wantNoQueue checks that asynq does not list a queue.
func (h *testFleet) wantNoQueue(queue string) {
	h.t.Helper()
	queues, err := h.inspector.Queues()
	if err != nil || slices.Contains(queues, queue) {
		h.t.Errorf("the queues are %v (%v), want no %s", queues, err, queue)
	}
}

// TestNoKeysRemainOfAJobRemovedWhileItsVisitsEnd removes one job right after it was cancelled, and
// another before a runner has started it.
func TestNoKeysRemainOfAJobRemovedWhileItsVisitsEnd(t *testing.T) {
	t.Parallel()
	testFleets(t, 2, func(t *testing.T, h *testFleet) {
		h.create("docs", 40)
		h.wantState("docs", crawler.StateRunning)
		begun, released := make(chan struct{}, 40), make(chan struct{})
		h.work("docs", func(crawler.Host) { begun <- struct{}{}; <-released })
		<-begun
		h.must(h.inspector.PauseQueue("docs"))
		h.wantState("docs", crawler.StatePaused)
		if err := h.Remove(t.Context(), "docs"); err == nil {
			t.Fatal("a paused job was removed")
		}
		h.must(h.Cancel(t.Context(), "docs"))
		removed := make(chan error)
		go func() { removed <- h.Remove(t.Context(), "docs") }()
		h.waitRounds(2)
		select {
		case err := <-removed:
			t.Fatalf("the job was removed while a visit is under way (%v)", err)
		default:
			close(released)
		}
		h.must(<-removed)
		h.create("docs-2", 5)
		h.must(h.Remove(t.Context(), "docs-2"))
		h.waitRounds(2)
		if keys := h.keys("docs"); len(keys) > 0 {
			t.Errorf("keys remain: %v", keys)
		}
		h.wantNoQueue("docs")

		h.create("docs", 2) // A new job of that name starts from scratch.
		h.wantState("docs", crawler.StateRunning)
		h.work("docs", func(crawler.Host) {})
		h.wantState("docs", crawler.StateDone)
		if queues, err := h.inspector.Queues(); err != nil || !slices.Contains(queues, "docs") {
			t.Errorf("the queues are %v (%v), want one for the new job", queues, err)
		}
	})
}

func TestAQueueDeletedByHandIsListedAgain(t *testing.T) {
	t.Parallel()
	testFleets(t, 1, func(t *testing.T, h *testFleet) {
		h.create("docs", 1)
		h.wantState("docs", crawler.StateRunning)
		h.must(h.store.Hold(t.Context(), "docs", "tester", 1<<40)) // the job continues
		h.work("docs", func(crawler.Host) {})
		fetched := func(n int64) {
			h.t.Helper()
			h.until("pages are fetched", func() bool {
				c, err := h.Counters(t.Context(), "docs")
				return err == nil && c.Pages() == n && c.Idle()
			})
		}
		fetched(1)
		h.until("the queue is deleted", func() bool {
			err := h.inspector.DeleteQueue("docs", true)
			return err == nil || errors.Is(err, asynq.ErrQueueNotFound)
		})
		n := int64(1)
		h.until("the queue is listed", func() bool {
			job := h.status("docs").Job
			u, err := crawler.ParseURL("https://site0.example/" + string(rune('a'+n)))
			h.must(err)
			_, err = h.store.Frontier(job).Admit(t.Context(), []queue.Entry{{URL: u}})
			h.must(err)
			n++
			fetched(n)
			queues, err := h.inspector.Queues()
			h.must(err)
			return slices.Contains(queues, "docs")
		})
	})
}
