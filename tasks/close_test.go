package tasks_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/tasks"
)

func drains(t *testing.T, w *wire) {
	started, drained, release := make(chan string), make(chan struct{}), make(chan struct{})
	shut := w.serve(func(ctx context.Context, v tasks.Visit, drain <-chan struct{}) (crawler.Report, error) {
		id, _ := asynq.GetTaskID(ctx)
		started <- id
		<-drain
		close(drained)
		<-release
		return crawler.Report{Host: v.Host, Ending: crawler.EndDrained}, ctx.Err()
	}, tasks.ServerConfig{Concurrency: 1})
	w.enqueue(order(1), order(2))
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
	if info := w.state(id, asynq.TaskStateCompleted); !strings.Contains(string(info.Result), "drained") {
		t.Errorf("the visit that was drained has the result %s", info.Result)
	}
	waiting, err := w.inspector.ListPendingTasks(w.queue)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%d visits wait (%v), want the one that was not begun", len(waiting), err)
	}

	next := newDesk()
	w.serve(next.handle, tasks.ServerConfig{})
	if got := <-next; got.Host != order(2).Host {
		t.Errorf("the next worker visits %s, want %s", got.Host, order(2).Host)
	}
}

func drainsInTime(t *testing.T, w *wire) {
	started, ended := make(chan string), make(chan struct{})
	shut := w.serve(func(ctx context.Context, _ tasks.Visit, _ <-chan struct{}) (crawler.Report, error) {
		id, _ := asynq.GetTaskID(ctx)
		started <- id
		<-ctx.Done() // it ignores drain
		close(ended)
		return crawler.Report{}, ctx.Err()
	}, tasks.ServerConfig{Drain: 20 * time.Millisecond})
	w.enqueue(order(1))
	id := <-started
	shut()
	<-ended
	w.state(id, asynq.TaskStatePending)
}

func cutsOff(t *testing.T, w *wire) {
	started, tidied := make(chan string), make(chan struct{})
	tidy := sync.OnceFunc(func() { close(tidied) })
	ctx, cut := context.WithCancel(t.Context())
	shut := w.serveUnder(ctx, func(ctx context.Context, v tasks.Visit, _ <-chan struct{}) (crawler.Report, error) {
		id, _ := asynq.GetTaskID(ctx)
		started <- id
		<-ctx.Done()
		<-tidied // the visit gives back what it holds
		return crawler.Report{Host: v.Host, Ending: crawler.EndDrained}, ctx.Err()
	}, tasks.ServerConfig{})
	defer tidy()
	w.enqueue(order(1))
	id := <-started
	w.announced(100)
	cut()
	shutting := make(chan struct{})
	go func() { defer close(shutting); shut() }()
	w.announced(0)
	for range 20 { // asynq's part of the end is almost over
		w.task(id)
	}
	select {
	case <-shutting:
		t.Error("the worker is closed before its visit ended")
	default:
	}
	tidy()
	<-shutting
	w.state(id, asynq.TaskStateRetry)
}

func endsAtTimeout(t *testing.T, w *wire) {
	desk, ended, noticed := newDesk(), make(chan error, 2), make(chan struct{})
	shut := w.serve(func(ctx context.Context, v tasks.Visit, drain <-chan struct{}) (crawler.Report, error) {
		_, _ = desk.handle(ctx, v, drain)
		<-ctx.Done()
		ended <- ctx.Err()
		<-noticed // who returns while asynq notices may be taken for one that failed, and be archived
		return crawler.Report{}, ctx.Err()
	}, tasks.ServerConfig{})
	if err := w.client(time.Second).Enqueue(t.Context(), w.job, order(1)); err != nil {
		t.Fatal(err)
	}
	first := <-desk
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the visit ended with %v, want at its deadline", err)
	}
	second := <-desk // asynq delivers it once more, and finds that it was overtaken
	close(noticed)
	shut()
	if first != second {
		t.Errorf("after %v comes %v, want the same", first, second)
	}
}
