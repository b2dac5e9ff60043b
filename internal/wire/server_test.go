package wire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// TestTasks checks the tasks of visits, from the client that enqueues them to the worker that
// carries them out, with a real Redis and with the built-in one.
func TestTasks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, w *queueTest)
	}{
		{"a visit is received as it was enqueued, and its result can be read", carriesVisit},
		{"a visit that is enqueued twice is carried out once", enqueuesOnce},
		{"runs of a job of the same name are independent", distinguishesRuns},
		{"a visit that fails is archived with its error and its report", archivesFailure},
		{"a handler that panics fails its visit and not the worker", survivesPanic},
		{"a task that is not a visit is archived", archivesInvalidTasks},
		{"capacity is the number of visits that the workers of the queue can carry out at once", reportsCapacity},
		{"a worker that closes lets a visit end, and receives no further one", drains},
		{"a visit that outlasts the drain returns to the queue", drainsInTime},
		{"a worker that is cut off ends the contexts of its visits and waits for them", cutsOff},
		{"a visit that lasts too long is ended", endsAtTimeout},
		{"a visit continues when asynq gives up its task", outlivesItsTask},
		{"a forgotten queue is deleted with all its tasks", forgets},
		{"active visits end although their queue is forgotten", forgetsAllButActive},
		{"forgetting a queue that does not exist does nothing", forgetsNothing},
		{"a queue that was deleted is listed again, for the next job and for the same", listsAgain},
		{"the pause of a queue is reported once it exists", reportsPause},
		{"hundreds of visits are carried out at once", carriesHundreds},
		{"a visit starts soon after it is enqueued", startsSoon},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) {
				t.Parallel()
				c.test(t, newQueueTest(t, url))
			})
		})
	}
}

func reportsPause(t *testing.T, w *queueTest) {
	expect := func(wantPaused, wantKnown bool) {
		t.Helper()
		paused, known, err := w.Paused(w.queue)
		if err != nil || paused != wantPaused || known != wantKnown {
			t.Errorf("paused %v, known %v, %v; want %v, %v", paused, known, err, wantPaused, wantKnown)
		}
	}
	if err := w.SetPaused(w.queue, true); err != nil {
		t.Errorf("pausing a queue that does not exist: %v", err)
	}
	expect(false, false)
	w.enqueue(queue.VisitRef{Host: "site.example", Epoch: 1})
	expect(false, true)
	for _, paused := range []bool{true, true, false} {
		if err := w.SetPaused(w.queue, paused); err != nil {
			t.Fatal(err)
		}
		expect(paused, true)
	}
}

func carriesVisit(t *testing.T, w *queueTest) {
	report := queue.Report{
		Host: "site.example:8080", Ending: queue.EndBound, Pages: 12, Bytes: 34_567, Links: 89, Requested: 14,
		Outcomes: map[crawler.Outcome]int{crawler.OutcomeFetched: 12, crawler.OutcomeGone: 2},
		First:    "https://site.example:8080/?a=1&b=<2>", Last: "https://site.example:8080/last",
		Trouble: "https://site.example:8080/gone: 404 Not Found", MS: 1234,
	}
	visits := newVisitChannel()
	shut := w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
		_, err := visits.handle(ctx, v, drain)
		return report, err
	}, wire.ServerConfig{})
	o := queue.VisitRef{Host: "site.example:8080", Epoch: 7}
	w.enqueue(o)
	got := <-visits
	want := wire.Visit{Job: w.queue, Run: 1_700_000_000_000, Host: o.Host, Epoch: o.Epoch}
	if diff := cmp.Diff(want, got.Visit); diff != "" {
		t.Errorf("the visit differs (-want +got):\n%s", diff)
	}
	if got.Ref() != o {
		t.Errorf("its reference is %v, want %v", got.Ref(), o)
	}
	shut()

	info := w.wantState(got.id, asynq.TaskStateCompleted)
	if info.Type != "crawl:fetch" || info.Queue != w.queue || info.Retention != time.Hour ||
		info.Timeout != time.Minute {
		t.Errorf("the task is %+v, want a crawl:fetch of a minute at most, kept for an hour", info)
	}
	payload := fmt.Sprintf(`{"job":%q,"run":1700000000000,"host":"site.example:8080","epoch":7}`, w.queue)
	if string(info.Payload) != payload {
		t.Errorf("the payload is %s, want %s", info.Payload, payload)
	}
	var read queue.Report
	if err := json.Unmarshal(info.Result, &read); err != nil {
		t.Fatalf("the result %q: %v", info.Result, err)
	}
	if diff := cmp.Diff(report, read); diff != "" {
		t.Errorf("the result differs (-want +got):\n%s", diff)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, info.Result); err != nil || !bytes.Equal(compact.Bytes(), info.Result) {
		t.Errorf("the result %q is not compact JSON, which is all that asynq's web UI shows", info.Result)
	}
	for _, name := range []string{"host", "ending", "pages", "bytes", "links", "outcomes", "first", "last"} {
		if !strings.Contains(string(info.Result), fmt.Sprintf("%q:", name)) {
			t.Errorf("the result has no %q: %s", name, info.Result)
		}
	}
}

func enqueuesOnce(t *testing.T, w *queueTest) {
	w.enqueue(ref(1), ref(1))
	visits := newVisitChannel()
	shut := w.serve(visits.handle, wire.ServerConfig{})
	<-visits
	w.enqueue(ref(1)) // it is active or completed
	shut()
	w.enqueue(ref(1), ref(2)) // it is completed
	again := newVisitChannel()
	shut = w.serve(again.handle, wire.ServerConfig{Concurrency: 1})
	if got := <-again; got.Host != ref(2).Host {
		t.Errorf("%s is visited twice", got.Host)
	}
	shut()
	if more := append(visits.rest(), again.rest()...); len(more) > 0 {
		t.Errorf("%v are visited again", more)
	}
}

func distinguishesRuns(t *testing.T, w *queueTest) {
	visits := newVisitChannel()
	w.serve(visits.handle, wire.ServerConfig{})
	w.enqueue(ref(1))
	first := <-visits
	w.job.Created = w.job.Created.Add(time.Millisecond)
	w.enqueue(ref(1))
	second := <-visits
	if first.Ref() != second.Ref() || second.Run != first.Run+1 {
		t.Errorf("the visits are %v and %v, want the same one of two runs", first.Visit, second.Visit)
	}
}

func archivesFailure(t *testing.T, w *queueTest) {
	visits := newVisitChannel()
	shut := w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
		_, _ = visits.handle(ctx, v, drain)
		return queue.Report{Host: v.Host, Ending: queue.EndError, Pages: 3}, errors.New("the disk is full")
	}, wire.ServerConfig{})
	w.enqueue(ref(1))
	id := (<-visits).id
	shut()
	info := w.wantState(id, asynq.TaskStateArchived)
	if !strings.Contains(info.LastErr, "the disk is full") || info.Retried != 0 {
		t.Errorf("the task's error is %q after %d retries, want the handler's error and no retries", info.LastErr,
			info.Retried)
	}
	if !strings.Contains(string(info.Result), `"pages":3`) {
		t.Errorf("the result is %q, want the report of the failed visit", info.Result)
	}
}

func survivesPanic(t *testing.T, w *queueTest) {
	visits := newVisitChannel()
	shut := w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
		if v.Host == ref(1).Host {
			_, _ = visits.handle(ctx, v, drain)
			panic("out of cheese")
		}
		return visits.handle(ctx, v, drain)
	}, wire.ServerConfig{Concurrency: 1})
	w.enqueue(ref(1), ref(2))
	id := (<-visits).id
	for (<-visits).Host != ref(2).Host { // asynq may deliver the first task once more
	}
	shut()
	if info := w.task(id); !strings.Contains(info.LastErr, "out of cheese") {
		t.Errorf("the task is %v with error %q, want the panic of the handler", info.State, info.LastErr)
	}
}

func archivesInvalidTasks(t *testing.T, w *queueTest) {
	client := asynq.NewClient(w.redis)
	defer client.Close()
	payloads := []string{"no JSON", "null", "{}", `["job"]`, `{"job":"a","host":"","epoch":1}`,
		`{"job":"a","host":"b"}`, ""}
	for i, payload := range payloads {
		task := asynq.NewTask(wire.TypeFetch, []byte(payload), asynq.Queue(w.queue),
			asynq.TaskID(fmt.Sprint("stranger-", i)))
		if _, err := client.EnqueueContext(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
	w.enqueue(ref(1)) // the last in the queue
	visits := newVisitChannel()
	shut := w.serve(visits.handle, wire.ServerConfig{Concurrency: 1})
	if got := <-visits; got.Host != ref(1).Host {
		t.Errorf("the handler received %v", got.Visit)
	}
	shut()
	for i, payload := range payloads {
		info := w.wantState(fmt.Sprint("stranger-", i), asynq.TaskStateArchived)
		if !strings.Contains(info.LastErr, fmt.Sprintf("payload %q of a crawl:fetch task", payload)) {
			t.Errorf("the error is %q, want one that quotes %q", info.LastErr, payload)
		}
	}
}

func reportsCapacity(t *testing.T, w *queueTest) {
	capacity := func(want int) {
		t.Helper()
		// A client caches the capacity for a while.
		if got, err := w.client(time.Minute).Capacity(w.queue); err != nil || got != want {
			t.Fatalf("the capacity is %d (%v), want %d", got, err, want)
		}
	}
	capacity(0)
	visits := newVisitChannel()
	w.serve(visits.handle, wire.ServerConfig{Concurrency: 100, Job: redistest.Name(t)})
	w.serve(visits.handle, wire.ServerConfig{Concurrency: 5})
	seven := w.serve(visits.handle, wire.ServerConfig{Concurrency: 7})
	w.waitCapacity(12)
	capacity(12)
	seven()
	capacity(5)
}

func forgets(t *testing.T, w *queueTest) {
	visits := newVisitChannel()
	shut := w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
		r, err := visits.handle(ctx, v, drain)
		if v.Host == ref(2).Host {
			err = errors.New("out of cheese")
		}
		return r, err
	}, wire.ServerConfig{})
	w.enqueue(ref(1), ref(2))
	ids := []string{(<-visits).id, (<-visits).id}
	shut()
	w.enqueue(ref(3))
	pending, err := w.inspector.ListPendingTasks(w.queue)
	if err != nil || len(pending) != 1 {
		t.Fatalf("%d visits wait (%v), want 1", len(pending), err)
	}
	ids = append(ids, pending[0].ID)

	w.forget(true)
	queues, err := w.inspector.Queues()
	if err != nil || slices.Contains(queues, w.queue) {
		t.Errorf("the queue still exists (%v)", err)
	}
	// asynq refuses the ID of an existing task.
	client := asynq.NewClient(w.redis)
	defer client.Close()
	for _, id := range ids {
		task := asynq.NewTask("test", nil, asynq.Queue(w.queue), asynq.TaskID(id))
		if _, err := client.EnqueueContext(t.Context(), task); err != nil {
			t.Errorf("task %s is not gone: %v", id, err)
		}
	}
}

func forgetsAllButActive(t *testing.T, w *queueTest) {
	visits, released := newVisitChannel(), make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	defer release()
	shut := w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
		r, err := visits.handle(ctx, v, drain)
		<-released
		return r, err
	}, wire.ServerConfig{Concurrency: 1})
	w.enqueue(ref(1), ref(2))
	id := (<-visits).id
	w.forget(false)
	w.wantState(id, asynq.TaskStateActive)
	release()
	shut()
	w.wantState(id, asynq.TaskStateCompleted)
	if more := visits.rest(); len(more) > 0 {
		t.Errorf("%v are visited, although their queue was forgotten", more)
	}
	w.forget(true)
	if _, err := w.inspector.GetTaskInfo(w.queue, id); !errors.Is(err, asynq.ErrQueueNotFound) {
		t.Errorf("after all visits ended the queue is not forgotten: %v", err)
	}
}

func forgetsNothing(t *testing.T, w *queueTest) {
	w.forget(true)
}

// listsAgain deletes a queue without telling the client that enqueues into it.
func listsAgain(t *testing.T, w *queueTest) {
	elsewhere := w.client(time.Minute)
	listed := func() bool {
		t.Helper()
		queues, err := w.inspector.Queues()
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(queues, w.queue)
	}
	forget := func() {
		t.Helper()
		if gone, err := elsewhere.Forget(w.queue); err != nil || !gone || listed() {
			t.Fatalf("the queue is gone: %v (%v)", gone, err)
		}
	}
	w.enqueue(ref(1))
	forget()
	w.job.Created = w.job.Created.Add(time.Hour)
	if w.enqueue(ref(1)); !listed() {
		t.Error("the queue of another job of the name is not listed")
	}
	forget()
	for n := 2; !listed(); n++ { // the client notices when it asks for the capacity
		if _, err := w.Capacity(w.queue); err != nil {
			t.Fatal(err)
		}
		w.enqueue(ref(n))
	}
	if err := t.Context().Err(); err != nil {
		t.Fatal(err)
	}
}

func carriesHundreds(t *testing.T, w *queueTest) {
	const visits = 300
	var all sync.WaitGroup
	all.Add(visits)
	shut := w.serve(func(_ context.Context, v wire.Visit, _ <-chan struct{}) (queue.Report, error) {
		all.Done()
		all.Wait() // until all visits have started
		return queue.Report{Host: v.Host}, nil
	}, wire.ServerConfig{Concurrency: visits})
	for n := range visits {
		w.enqueue(ref(n))
	}
	all.Wait()
	for { // asynq records each by itself; that ends as well when the server is shut, but not in any time
		completed, err := w.inspector.ListCompletedTasks(w.queue, asynq.PageSize(visits+1))
		if err != nil || len(completed) > visits {
			t.Fatalf("%d visits are completed (%v), want %d", len(completed), err, visits)
		}
		if len(completed) == visits {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
	shut()
}

func startsSoon(t *testing.T, w *queueTest) {
	const visits = 40
	started := make(chan time.Time)
	w.serve(func(context.Context, wire.Visit, <-chan struct{}) (queue.Report, error) {
		started <- time.Now()
		return queue.Report{}, nil
	}, wire.ServerConfig{})
	took := make([]time.Duration, visits)
	for n := range took {
		enqueued := time.Now()
		w.enqueue(ref(n))
		took[n] = (<-started).Sub(enqueued)
	}
	slices.Sort(took)
	t.Logf("from Enqueue to the start of the handler: median %v, maximum %v", took[visits/2], took[visits-1])
}
