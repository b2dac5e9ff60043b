package scheduler_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/scheduler"
)

func TestSeveralBureausDoAJobOnce(t *testing.T) {
	t.Parallel()
	houses(t, 3, func(t *testing.T, h *house) {
		h.create("docs", 30, func(j *crawler.Job) { j.Shards = 2 })
		h.is("docs", crawler.StateRunning)
		h.work("docs", func(crawler.Host) {})
		h.is("docs", crawler.StateDone)
		c, err := h.Counters(t.Context(), "docs")
		h.must(err)
		if c.Seen != 30 || c.Pages() != 30 || c.Visits != 30 {
			t.Errorf("%d URLs are seen, %d fetched in %d visits, want 30 of each", c.Seen, c.Pages(), c.Visits)
		}
		if reason := h.status("docs").Reason; reason != "" {
			t.Errorf("the job is done because of %q", reason)
		}
	})
}

func TestABureauOfOneJobLeavesOthersAloneAndTellsOfItsEnd(t *testing.T) {
	t.Parallel()
	houses(t, 0, func(t *testing.T, h *house) {
		h.create("mine", 3)
		h.create("theirs", 3)
		ended := make(chan crawler.Status, 1)
		bureau := h.openAs(scheduler.Config{
			Jobs: []string{"mine"}, Ended: func(s crawler.Status) { ended <- s },
			Tick: time.Hour, // it looks when it is told to
		})
		h.is("mine", crawler.StateRunning)
		h.work("mine", func(crawler.Host) {})
		h.until("the job is told to have ended", func() bool {
			bureau.Nudge("theirs") // which nobody keeps going here
			bureau.Nudge("mine")
			return len(ended) > 0
		})
		if s := <-ended; s.Job.Name != "mine" || s.State != crawler.StateDone {
			t.Errorf("job %s is told to be %s", s.Job.Name, s.State)
		}
		h.rounds(1)
		if state := h.status("theirs").State; state != crawler.StateCreated {
			t.Errorf("the other job is %s", state)
		}
	})
}

// TestAJobThatABureauLeftHalfBegunIsBegun tells of bureaus that died after each of
// the steps of a beginning.
func TestAJobThatABureauLeftHalfBegunIsBegun(t *testing.T) {
	t.Parallel()
	houses(t, 0, func(t *testing.T, h *house) {
		for _, name := range []string{"created", "admitted", "seeded"} {
			h.create(name, 3)
		}
		for _, name := range []string{"admitted", "seeded"} {
			job := h.status(name).Job
			seeds, err := job.SeedEntries()
			h.must(err)
			_, err = h.store.Frontier(job).Admit(t.Context(), seeds)
			h.must(err)
		}
		h.must(h.store.Seeded(t.Context(), "seeded", true))
		h.open()
		h.open()
		for _, name := range []string{"created", "admitted", "seeded"} {
			h.is(name, crawler.StateRunning)
			c, err := h.Counters(t.Context(), name)
			h.must(err)
			if c.Seen != 3 || c.Waiting != 3 || !h.status(name).Seeded {
				t.Errorf("%s: %d URLs are seen and %d wait, want 3", name, c.Seen, c.Waiting)
			}
		}
	})
}

func TestAPauseShowsOnBothSides(t *testing.T) {
	t.Parallel()
	houses(t, 2, func(t *testing.T, h *house) {
		h.create("docs", 3)
		h.is("docs", crawler.StateRunning)
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
		h.rounds(2)
		if h.status("docs").State != crawler.StatePaused || !queue() {
			t.Fatal("the pause does not last")
		}
		h.must(h.Resume(t.Context(), "docs"))
		t.Logf("and its end after %v", h.until("the queue goes on", func() bool { return !queue() }))
		h.rounds(2)
		if h.status("docs").State != crawler.StateRunning || queue() {
			t.Fatal("the job does not go on")
		}

		h.must(h.inspector.PauseQueue("docs"))
		t.Logf("a pause in asynq shows after %v", h.is("docs", crawler.StatePaused))
		h.rounds(2)
		if status := h.status("docs"); status.State != crawler.StatePaused || status.Reason != "paused in asynq" || !queue() {
			t.Fatalf("the job is %s because it is %q", status.State, status.Reason)
		}
		h.must(h.inspector.UnpauseQueue("docs"))
		t.Logf("and its end after %v", h.is("docs", crawler.StateRunning))
		h.rounds(2)
		if h.status("docs").State != crawler.StateRunning || queue() {
			t.Fatal("the job does not go on")
		}
		release()
		h.is("docs", crawler.StateDone)
	})
}

// TestAPauseBeforeTheFirstVisitLasts tells of a job that has no queue yet, because
// no worker is there.
func TestAPauseBeforeTheFirstVisitLasts(t *testing.T) {
	t.Parallel()
	houses(t, 2, func(t *testing.T, h *house) {
		h.create("docs", 3)
		h.is("docs", crawler.StateRunning)
		h.must(h.Pause(t.Context(), "docs"))
		h.rounds(4)
		if state := h.status("docs").State; state != crawler.StatePaused {
			t.Fatalf("a job that was paused is %s", state)
		}
		h.must(h.Resume(t.Context(), "docs"))
		h.work("docs", func(crawler.Host) {})
		h.is("docs", crawler.StateDone)
	})
}

func TestACancelledJobLeavesItsRecordAlone(t *testing.T) {
	t.Parallel()
	houses(t, 2, func(t *testing.T, h *house) {
		h.create("docs", 40)
		h.create("docs-2", 1)
		h.is("docs", crawler.StateRunning)
		var once sync.Once
		begun := make(chan struct{})
		h.work("docs", func(crawler.Host) { once.Do(func() { close(begun) }) })
		<-begun
		h.must(h.Cancel(t.Context(), "docs"))
		h.until("the job is cleared", func() bool { return h.status("docs").Cleared })
		if keys := h.keys("{docs}"); !slices.Equal(keys, []string{"trawl:{docs}:job"}) {
			t.Errorf("what is left is %v, want the record alone", keys)
		}
		h.absent("docs")
		if c, err := h.Counters(t.Context(), "docs"); err != nil || c.Seen != 40 {
			t.Errorf("the counters say that %d URLs were seen (%v), want 40", c.Seen, err)
		}
		h.must(h.Remove(t.Context(), "docs"))
		if keys := h.keys("{docs}"); len(keys) > 0 {
			t.Errorf("what is left of a job that was removed is %v", keys)
		}
		if h.status("docs-2").State == crawler.StateCancelled {
			t.Error("its neighbour is cancelled")
		}
	})
}

// absent fails the test if asynq lists a queue.
func (h *house) absent(queue string) {
	h.t.Helper()
	queues, err := h.inspector.Queues()
	if err != nil || slices.Contains(queues, queue) {
		h.t.Errorf("the queues are %v (%v), want no %s", queues, err, queue)
	}
}

// TestNothingIsLeftOfAJobThatIsRemovedWhileItsVisitsEnd removes a job at once after
// it was cancelled, and another that no bureau has begun.
func TestNothingIsLeftOfAJobThatIsRemovedWhileItsVisitsEnd(t *testing.T) {
	t.Parallel()
	houses(t, 2, func(t *testing.T, h *house) {
		h.create("docs", 40)
		h.is("docs", crawler.StateRunning)
		begun, released := make(chan struct{}, 40), make(chan struct{})
		h.work("docs", func(crawler.Host) { begun <- struct{}{}; <-released })
		<-begun
		h.must(h.inspector.PauseQueue("docs"))
		h.is("docs", crawler.StatePaused)
		if err := h.Remove(t.Context(), "docs"); err == nil {
			t.Fatal("a job that is paused is removed")
		}
		h.must(h.Cancel(t.Context(), "docs"))
		removed := make(chan error)
		go func() { removed <- h.Remove(t.Context(), "docs") }()
		h.rounds(2)
		select {
		case err := <-removed:
			t.Fatalf("the job is removed while a visit is under way (%v)", err)
		default:
			close(released)
		}
		h.must(<-removed)
		h.create("docs-2", 5)
		h.must(h.Remove(t.Context(), "docs-2"))
		h.rounds(2)
		if keys := h.keys("docs"); len(keys) > 0 {
			t.Errorf("what is left is %v", keys)
		}
		h.absent("docs")

		h.create("docs", 2) // and the next of its name begins as if there had been none
		h.is("docs", crawler.StateRunning)
		h.work("docs", func(crawler.Host) {})
		h.is("docs", crawler.StateDone)
		if queues, err := h.inspector.Queues(); err != nil || !slices.Contains(queues, "docs") {
			t.Errorf("the queues are %v (%v), want one of the new job", queues, err)
		}
	})
}

func TestAQueueDeletedByHandIsListedAgain(t *testing.T) {
	t.Parallel()
	houses(t, 1, func(t *testing.T, h *house) {
		h.create("docs", 1)
		h.is("docs", crawler.StateRunning)
		h.must(h.store.Hold(t.Context(), "docs", "tester", 1<<40)) // it goes on
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
			_, err = h.store.Frontier(job).Admit(t.Context(), []crawler.Entry{{URL: u}})
			h.must(err)
			n++
			fetched(n)
			queues, err := h.inspector.Queues()
			h.must(err)
			return slices.Contains(queues, "docs")
		})
	})
}
