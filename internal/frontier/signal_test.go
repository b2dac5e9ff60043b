package frontier

import (
	"context"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func TestASignalReachesThoseWhoListen(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		store, name := New(connect(t, url)), redistest.Name(t)
		ctx, stop := context.WithCancel(t.Context())
		heard, ended := make(chan string, 100), make(chan struct{})
		go func() {
			defer close(ended)
			store.Signals(ctx, func(job string) {
				if job == "" || job == name { // tests share the server
					heard <- job
				}
			})
		}()
		if job := <-heard; job != "" {
			t.Errorf("before any signal, %q was heard, want word that some may have been missed", job)
		}
		if err := store.Signal(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		for job := ""; job != name; {
			job = <-heard
		}
		stop()
		<-ended
	})
}

func TestAnyQueueWithTasksIsFound(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		rdb, name := connect(t, url), redistest.Name(t)
		store := New(rdb)
		jobs := []string{name + "-1", name + "-2", name + "-3"}
		if any, err := store.AnyPending(t.Context(), jobs); any || err != nil {
			t.Errorf("without tasks: %v, %v", any, err)
		}
		if err := rdb.LPush(t.Context(), queueBase(jobs[2])+"pending", "task").Err(); err != nil {
			t.Fatal(err)
		}
		if any, err := store.AnyPending(t.Context(), jobs); !any || err != nil {
			t.Errorf("with a task in the last queue: %v, %v", any, err)
		}
		if any, err := store.AnyPending(t.Context(), jobs[:2]); any || err != nil {
			t.Errorf("the first two queues: %v, %v", any, err)
		}
	})
}
