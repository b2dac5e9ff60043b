package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/tasks"
)

// pages are what a job has found.
var pages = []string{"http://a.example/1", "http://a.example/2", "http://b.example/"}

// finding returns a function that yields pages, and fails the first times after the first page.
func finding(failures int64) func(context.Context, crawler.Status) iter.Seq2[string, error] {
	var calls atomic.Int64
	return func(context.Context, crawler.Status) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for i, u := range pages {
				if i == 1 && calls.Add(1) <= failures {
					yield("", errors.New("the records cannot be read"))
					return
				}
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}

// serveNext creates next jobs until the test ends.
func (f *eventFixture) serveNext(found func(context.Context, crawler.Status) iter.Seq2[string, error]) {
	f.t.Helper()
	f.serve(wire.NextQueue, map[string]asynq.HandlerFunc{wire.TypeNext: tasks.NextHandler(f.store, found, nil)})
}

// newChain returns a job that another one follows. The next one has a seed of its own.
func newChain(t *testing.T) (f *eventFixture, next string) {
	t.Helper()
	f = newEventFixture(t)
	next = "next-" + f.queue[len(f.queue)-12:] // a name has at most 63 letters
	settings := f.status()
	settings.Job.OnDone = crawler.OnDone{Task: "shop:index", Queue: "program", Seeds: "status=200",
		Job: map[string]any{"name": next, "seeds": []any{"http://c.example/"}}}
	f.replace(settings)
	f.move(crawler.StateRunning)
	return f, next
}

// waitTask waits for the end of a task, and returns it.
func (f *eventFixture) waitTask(queue, id string) *asynq.TaskInfo {
	f.t.Helper()
	for f.t.Context().Err() == nil {
		info, err := f.inspector.GetTaskInfo(queue, id)
		if err == nil && (info.State == asynq.TaskStateCompleted || info.State == asynq.TaskStateArchived) {
			return info
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-f.t.Context().Done():
		}
	}
	f.t.Fatalf("task %s has not ended", id)
	return nil
}

// The task that creates the next job may be cut off anywhere, and be carried out again by another
// worker: each URL is admitted once, and the next job does not end before it has all.
func TestTheNextJobIsCreatedOnceWithAllSeeds(t *testing.T) {
	t.Parallel()
	f, next := newChain(t)
	f.move(crawler.StateDone)
	done := f.status()
	var schedulers sync.WaitGroup
	for range 5 {
		schedulers.Go(func() { f.pass(done) })
	}
	schedulers.Wait()
	found := finding(2)
	for range 3 {
		f.serveNext(found)
	}
	events, err := f.store.Events(t.Context(), f.queue)
	if err != nil {
		t.Fatal(err)
	}
	id := events[len(events)-1].ID(f.queue, done.Created)
	info := f.waitTask(wire.NextQueue, id+"-next")
	if info.State != asynq.TaskStateCompleted || info.Retried != 2 {
		t.Fatalf("the task is %v after %d failures: %s", info.State, info.Retried, info.LastErr)
	}
	status, err := f.store.Status(t.Context(), next)
	if err != nil || !status.Seeded || status.State != crawler.StateCreated || status.After != id {
		t.Errorf("the next job is %+v (%v)", status, err)
	}
	counters, err := f.store.Counters(t.Context(), next)
	if err != nil || counters.Seen != 4 || counters.Waiting != 4 {
		t.Errorf("it has %+v (%v), want 4 URLs", counters, err)
	}
	f.pass(done)
	program, err := f.inspector.ListPendingTasks("program")
	if err != nil || len(program) != 1 || program[0].Type != "shop:index" {
		t.Fatalf("the program's queue has %v (%v), want one task", program, err)
	}
	var event struct {
		ID   string
		Type string
		Data struct{ Job string }
	}
	if err := json.Unmarshal(program[0].Payload, &event); err != nil || event.ID != id || event.Data.Job != f.queue ||
		event.Type != "com.github.trawlcrawler.job.done" {
		t.Errorf("the task's payload is %s (%v)", program[0].Payload, err)
	}
}

func TestAnotherJobOfTheNameIsNotTouched(t *testing.T) {
	t.Parallel()
	f, next := newChain(t)
	other := f.job.Job
	other.Name, other.Webhooks = next, nil
	if err := f.fleet.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	f.serveNext(finding(0))
	f.move(crawler.StateDone)
	f.pass(f.status())
	events, _ := f.store.Events(t.Context(), f.queue)
	info := f.waitTask(wire.NextQueue, events[len(events)-1].ID(f.queue, f.status().Created)+"-next")
	if info.State != asynq.TaskStateArchived || !strings.Contains(info.LastErr, "remove it, or name the next job") {
		t.Errorf("the task is %v: %s", info.State, info.LastErr)
	}
	if counters, err := f.store.Counters(t.Context(), next); err != nil || counters.Seen != 0 {
		t.Errorf("the other job has %d URLs (%v), want none", counters.Seen, err)
	}
}
