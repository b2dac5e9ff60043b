package frontier

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// TestEvents tests the events of a job on every kind of Redis.
func TestEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *testJob)
	}{
		{"each change of state makes one event", makesEvents},
		{"of many processes that change a state at once, one makes an event", makesEventsOnce},
		{"a budget that is spent makes an event, and raising it another", makesBudgetEvents},
		{"a job that stands still makes one event", makesStalledEvent},
		{"events wait until they were passed on, and the last hundred stay", keepsEvents},
		{"events outlast the clearing of a job, but not its removal", clearsNoEvents},
		{"a key of another type is replaced by the next event", replacesGarbage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) { c.test(t, newTestJob(t, url, 3)) })
			t.Run("cluster", func(t *testing.T) { c.test(t, newClusterJob(t, 3)) })
		})
	}
}

// wantEvents checks the events of the job, each as "NUMBER NAME REASON".
func (b *testJob) wantEvents(want ...string) {
	b.t.Helper()
	all, err := b.store.Events(b.t.Context(), b.job.Name)
	b.must(err)
	var got []string
	for _, e := range all {
		if since := b.status().Now.Sub(e.Time); since < 0 || since > time.Hour {
			b.t.Errorf("event %d is %v old", e.Number, since)
		}
		got = append(got, fmt.Sprintf("%d %s %s", e.Number, e.Name, e.Reason))
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("events: got %q, want %q", got, want)
	}
}

// fresh creates another job, which has made no events.
func (b *testJob) fresh() {
	b.t.Helper()
	b.job.Name = redistest.Name(b.t)
	b.must(b.store.Create(b.t.Context(), b.job))
}

func makesEvents(_ *testing.T, b *testJob) {
	b.fresh()
	for _, to := range []crawler.State{crawler.StatePaused, crawler.StateCreated, crawler.StateRunning,
		crawler.StatePaused, crawler.StateRunning, crawler.StateFailed, crawler.StateRunning, crawler.StateDone} {
		b.move(to)
	}
	b.wantEvents("1 paused ", "2 resumed ", "3 began ", "4 paused ", "5 resumed ", "6 failed ", "7 resumed ", "8 done ")
	if got := b.status(); got.Events != 8 || got.Told != 0 {
		b.t.Errorf("the status has %d events, %d passed on; want 8 and 0", got.Events, got.Told)
	}
}

func makesEventsOnce(t *testing.T, b *testJob) {
	b.fresh()
	b.move(crawler.StateRunning)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := b.store.Move(t.Context(), b.job.Name, crawler.StateDone, "", crawler.StateRunning); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.wantEvents("1 began ", "2 done ")
}

func makesBudgetEvents(t *testing.T, b *testJob) {
	b.fresh()
	b.move(crawler.StateRunning)
	for range 2 {
		b.must(b.store.End(t.Context(), b.job.Name, 0, "pages"))
	}
	moved, err := b.store.Move(t.Context(), b.job.Name, crawler.StateDone, "budget of pages", crawler.StateRunning)
	if err != nil || !moved {
		t.Fatalf("the job does not end: %v", err)
	}
	b.job.Pages = 10
	reopened, err := b.store.Replace(t.Context(), b.status(), Replacement{Job: b.job, Raised: []string{"pages"}})
	if err != nil || !reopened {
		t.Fatalf("the job is not reopened: %v", err)
	}
	b.must(b.store.End(t.Context(), b.job.Name, 1, "stopped: enough"))
	b.wantEvents("1 began ", "2 budget budget of pages", "3 done budget of pages",
		"4 resumed its budget of pages was raised")
}

func makesStalledEvent(t *testing.T, b *testJob) {
	b.fresh()
	b.must(b.store.Stalled(t.Context(), b.job.Name, 5, time.Minute))
	b.wantEvents() // it does not run
	b.move(crawler.StateRunning)
	for range 2 {
		b.must(b.store.Stalled(t.Context(), b.job.Name, 5, time.Minute))
	}
	b.must(b.store.Stalled(t.Context(), b.job.Name, 1, time.Minute))
	b.wantEvents("1 began ", "2 stalled no URL was settled for 1m0s; 5 URLs are settled so far",
		"3 stalled no URL was settled for 1m0s; 1 URL is settled so far")
}

func keepsEvents(t *testing.T, b *testJob) {
	b.fresh()
	for range 75 {
		b.move(crawler.StateRunning)
		b.move(crawler.StatePaused)
	}
	numbers := func() (first, last int64) {
		all, err := b.store.Events(t.Context(), b.job.Name)
		b.must(err)
		if len(all) == 0 {
			t.Fatal("the job has no events")
		}
		return all[0].Number, all[len(all)-1].Number
	}
	for _, step := range []struct{ told, first, last int64 }{
		{0, 1, 150}, {20, 21, 150}, {10, 21, 150}, {151, 21, 150}, {120, 51, 150}, {150, 51, 150},
	} {
		b.must(b.store.Told(t.Context(), b.job.Name, step.told))
		if first, last := numbers(); first != step.first || last != step.last {
			t.Errorf("after %d were passed on, %d to %d are there, want %d to %d", step.told, first, last, step.first,
				step.last)
		}
	}
	if got := b.status().Told; got != 150 {
		t.Errorf("%d were passed on, want 150", got)
	}
}

func clearsNoEvents(t *testing.T, b *testJob) {
	b.fresh()
	b.move(crawler.StateCancelled)
	b.must(b.store.Clear(t.Context(), b.job.Name))
	b.wantEvents("1 cancelled ")
	b.must(b.store.Remove(t.Context(), b.job.Name))
	if n, err := b.rdb.Exists(t.Context(), jobBase(b.job.Name)+nameEvents).Result(); err != nil || n != 0 {
		t.Errorf("%d keys of events are left (%v)", n, err)
	}
}

func replacesGarbage(t *testing.T, b *testJob) {
	b.fresh()
	b.move(crawler.StateRunning)
	key := jobBase(b.job.Name) + nameEvents
	b.must(b.rdb.Set(t.Context(), key, "garbage", 0).Err())
	b.wantEvents()
	b.move(crawler.StatePaused)
	b.must(b.rdb.RPush(t.Context(), key, "not an event").Err())
	b.wantEvents("2 paused ")
}
