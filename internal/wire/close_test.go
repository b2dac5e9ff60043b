package wire_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/wire"
)

func drains(t *testing.T, w *queueTest) {
	started, drained, release := make(chan string), make(chan struct{}), make(chan struct{})
	shut := w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
		id, _ := asynq.GetTaskID(ctx)
		started <- id
		<-drain
		close(drained)
		<-release
		return queue.Report{Host: v.Host, Ending: queue.EndDrained}, ctx.Err()
	}, wire.ServerConfig{Concurrency: 1})
	w.enqueue(ref(1), ref(2))
	id := <-started
	shutting := make(chan struct{})
	go func() { defer close(shutting); shut() }()
	<-drained
	select {
	case <-shutting:
		t.Error("the worker is closed before its visit ended")
	default:
	}
	close(release)
	<-shutting
	if info := w.wantState(id, asynq.TaskStateCompleted); !strings.Contains(string(info.Result), "drained") {
		t.Errorf("the drained visit has the result %s", info.Result)
	}
	waiting, err := w.inspector.ListPendingTasks(w.queue)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%d visits wait (%v), want the one that did not start", len(waiting), err)
	}

	next := newVisitChannel()
	w.serve(next.handle, wire.ServerConfig{})
	if got := <-next; got.Host != ref(2).Host {
		t.Errorf("the next worker visits %s, want %s", got.Host, ref(2).Host)
	}
}

func drainsInTime(t *testing.T, w *queueTest) {
	started, ended := make(chan string), make(chan struct{})
	shut := w.serve(func(ctx context.Context, _ wire.Visit, _ <-chan struct{}) (queue.Report, error) {
		id, _ := asynq.GetTaskID(ctx)
		started <- id
		<-ctx.Done() // the visit ignores drain
		close(ended)
		return queue.Report{}, ctx.Err()
	}, wire.ServerConfig{Drain: 20 * time.Millisecond})
	w.enqueue(ref(1))
	id := <-started
	shut()
	<-ended
	w.wantState(id, asynq.TaskStatePending)
}

func cutsOff(t *testing.T, w *queueTest) {
	started, cleaned := make(chan string), make(chan struct{})
	finish := sync.OnceFunc(func() { close(cleaned) })
	ctx, cut := context.WithCancel(t.Context())
	shut := w.serveUnder(ctx, func(ctx context.Context, v wire.Visit, _ <-chan struct{}) (queue.Report, error) {
		id, _ := asynq.GetTaskID(ctx)
		started <- id
		<-ctx.Done()
		<-cleaned // the visit is still giving back its URLs
		return queue.Report{Host: v.Host, Ending: queue.EndDrained}, ctx.Err()
	}, wire.ServerConfig{})
	defer finish()
	w.enqueue(ref(1))
	id := <-started
	w.waitCapacity(100)
	cut()
	shutting := make(chan struct{})
	go func() { defer close(shutting); shut() }()
	w.waitCapacity(0)
	for range 20 { // asynq's own timeout is almost over
		w.task(id)
	}
	select {
	case <-shutting:
		t.Error("the worker is closed before its visit ended")
	default:
	}
	finish()
	<-shutting
	w.wantState(id, asynq.TaskStateRetry)
}

func endsAtTimeout(t *testing.T, w *queueTest) {
	visits, ended, redelivered := newVisitChannel(), make(chan error, 2), make(chan struct{})
	shut := w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
		_, _ = visits.handle(ctx, v, drain)
		<-ctx.Done()
		ended <- ctx.Err()
		<-redelivered // A visit that returns while asynq handles the deadline may count as failed, and be archived.
		return queue.Report{}, ctx.Err()
	}, wire.ServerConfig{})
	if _, err := w.client(time.Second).Enqueue(t.Context(), w.job, []queue.VisitRef{ref(1)}); err != nil {
		t.Fatal(err)
	}
	first := <-visits
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the visit ended with %v, want at its deadline", err)
	}
	second := <-visits // asynq delivers it again, with the same epoch
	close(redelivered)
	shut()
	if first != second {
		t.Errorf("after %v asynq delivered %v, want the same visit", first, second)
	}
}
