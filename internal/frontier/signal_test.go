package frontier

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
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

func TestQueuesWithTasksAreFound(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		rdb, name := connect(t, url), redistest.Name(t)
		store := New(rdb)
		queues := []string{name + "-1", name + "-2", name + "-3"}
		expect := func(when string, want map[string]QueueTasks) {
			t.Helper()
			got, err := store.Queues(t.Context(), queues)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		expect("without tasks", nil)
		waiting := redis.Z{Score: 1, Member: "task"}
		if err := rdb.ZAdd(t.Context(), queueBase(queues[1])+"retry", waiting).Err(); err != nil {
			t.Fatal(err)
		}
		expect("with a task that waits for its time", map[string]QueueTasks{queues[1]: {Kept: true}})
		if err := rdb.LPush(t.Context(), queueBase(queues[2])+"pending", "task").Err(); err != nil {
			t.Fatal(err)
		}
		expect("with a task to be taken", map[string]QueueTasks{queues[1]: {Kept: true}, queues[2]: {Pending: true}})
	})
}

func TestAChangeOfAJobIsNoticedWithoutItsSignal(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), redistest.Own(t).URL()
	one, other := New(connect(t, url)), New(connect(t, url))
	job := crawler.DefaultJob()
	job.Name = redistest.Name(t)
	expect := func(when string, want bool) {
		t.Helper()
		r, err := other.Review(ctx)
		if err != nil || r.Changed != want {
			t.Errorf("%s: changed %v, %v; want %v", when, r.Changed, err, want)
		}
	}
	if _, err := other.Review(ctx); err != nil {
		t.Fatal(err)
	}
	expect("before any change", false)
	for _, c := range []struct {
		what   string
		change func() error
	}{
		{"a job is created", func() error { return one.Create(ctx, job) }},
		{"it begins", func() error {
			_, err := one.Move(ctx, job.Name, crawler.StateRunning, "", crawler.StateCreated)
			return err
		}},
		{"it has all its seeds", func() error { return one.Seeded(ctx, job.Name, true) }},
		{"it is removed", func() error { return one.Remove(ctx, job.Name) }},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		expect(c.what, true)
		expect("after "+c.what, false)
	}
	if err := one.rdb.Del(ctx, keyChanges).Err(); err != nil {
		t.Fatal(err)
	}
	if err := one.rdb.LPush(ctx, keyChanges, "garbage").Err(); err != nil {
		t.Fatal(err)
	}
	one.Tell(ctx, "any")
	if kind := one.rdb.Type(ctx, keyChanges).Val(); kind != "none" {
		t.Errorf("a counter that is garbage is still a %s", kind)
	}
}
