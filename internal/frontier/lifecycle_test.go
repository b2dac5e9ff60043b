package frontier

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// TestLifecycle is what the record of a job goes through.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		story func(t *testing.T, b *bench)
	}{
		{"a job whose creator died is listed by who creates it again", healsCreation},
		{"nothing that is noted brings a removed job back", staysRemoved},
		{"a job ages while it is kept going, and neither in pauses nor alone", ages},
		{"a job that is paused has not ended", endsOnce},
		{"a tick is not taken back", ticks},
		{"a job is cleared again where another died, and keeps its counters", clearsTwice},
		{"a job tells which workers cannot keep its pages, since when and why", tellsTroubles},
		{"what a worker says no more is forgotten, and goes with the job", forgetsTroubles},
		{"a job tells which writers its end waits for, and forgets those that are complete or dead", awaitsWriters},
		{"a job is closing until it has something to fetch again, or ends", closesAndReopens},
		{"nothing is left of a job that is removed, nor of its queue", removesAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) { c.story(t, newBench(t, url, 3)) })
			t.Run("cluster", func(t *testing.T) { c.story(t, newClusterBench(t, 3)) })
		})
	}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) status() crawler.Status {
	b.t.Helper()
	status, err := b.store.Status(b.t.Context(), b.job.Name)
	b.must(err)
	return status
}

func (b *bench) move(to crawler.State) {
	b.t.Helper()
	moved, err := b.store.Move(b.t.Context(), b.job.Name, to, "", b.status().State)
	if err != nil || !moved {
		b.t.Fatalf("the job does not become %s: %v", to, err)
	}
}

func healsCreation(t *testing.T, b *bench) {
	b.must(b.rdb.SRem(t.Context(), keyJobs, b.job.Name).Err())
	created := b.status().Created
	if err := b.store.Create(t.Context(), b.job); !errors.Is(err, crawler.ErrJobExists) {
		t.Errorf("created again: %v, want %v", err, crawler.ErrJobExists)
	}
	listed, err := b.rdb.SIsMember(t.Context(), keyJobs, b.job.Name).Result()
	if err != nil || !listed {
		t.Errorf("the job is listed: %v (%v)", listed, err)
	}
	if got := b.status(); got.State != crawler.StateCreated || !got.Created.Equal(created) {
		t.Errorf("the job is %s, created %v, want created %v", got.State, got.Created, created)
	}
}

func staysRemoved(t *testing.T, b *bench) {
	ctx, name := t.Context(), b.job.Name
	b.must(b.store.Remove(ctx, name))
	b.must(b.store.Seeded(ctx, name, true))
	b.must(b.store.End(ctx, name, 0, "pages"))
	b.must(b.store.SetPaused(ctx, name, true))
	b.must(b.store.SetClosing(ctx, name, true))
	b.must(b.store.Await(ctx, name, "w1", "pages wait for the bucket", time.Minute))
	b.must(b.store.Ticked(ctx, name, time.Now(), "run"))
	_, err := b.store.Age(ctx, name)
	b.must(err)
	if keys := b.keys(); len(keys) > 0 {
		t.Errorf("there are %v", keys)
	}
}

// ages moves the moment at which the job was last kept going, not the clock.
func ages(t *testing.T, b *bench) {
	age := func() time.Duration {
		t.Helper()
		age, err := b.store.Age(t.Context(), b.job.Name)
		b.must(err)
		return age
	}
	ago := func(d time.Duration) {
		t.Helper()
		now, err := b.rdb.Time(t.Context()).Result()
		b.must(err)
		b.must(b.rdb.HSet(t.Context(), jobBase(b.job.Name)+nameJob, "kept", now.Add(-d).UnixMilli()).Err())
	}
	about := func(got, want time.Duration) {
		t.Helper()
		if got < want || got > want+maxAge/2 {
			t.Fatalf("the job's age is %v, want %v", got, want)
		}
	}
	about(age(), 0)
	b.move(crawler.StateRunning)
	ago(2 * time.Second)
	about(age(), 2*time.Second)
	ago(time.Second)
	about(age(), 3*time.Second)
	b.move(crawler.StatePaused)
	ago(time.Hour)
	about(age(), 3*time.Second)
	b.move(crawler.StateRunning)
	about(age(), 3*time.Second)
	ago(time.Hour) // nobody kept it going
	about(age(), 3*time.Second+maxAge)
	ago(-time.Hour) // the clock went back
	about(age(), 3*time.Second+maxAge)
}

func endsOnce(t *testing.T, b *bench) {
	b.move(crawler.StateRunning)
	b.move(crawler.StatePaused)
	if ended := b.status().Ended; !ended.IsZero() {
		t.Errorf("a paused job ended at %v", ended)
	}
	b.move(crawler.StateRunning)
	b.must(b.store.End(t.Context(), b.job.Name, 0, "pages"))
	b.move(crawler.StateDone)
	done := b.status()
	if done.Ended.IsZero() || done.Ending != "" {
		t.Errorf("a job that is done ended at %v, and is still ending because of %q", done.Ended, done.Ending)
	}
	b.move(crawler.StateRunning)
	if again := b.status(); !again.Ended.IsZero() || !again.Started.Equal(done.Started) {
		t.Errorf("a job that goes on started %v, ended %v; want %v and not", again.Started, again.Ended, done.Started)
	}
}

func ticks(t *testing.T, b *bench) {
	later := time.UnixMilli(1_800_000_000_000)
	b.must(b.store.Ticked(t.Context(), b.job.Name, later, "later"))
	b.must(b.store.Ticked(t.Context(), b.job.Name, later.Add(-time.Second), "earlier"))
	if got := b.status(); !got.Tick.Equal(later) || got.Run != "later" {
		t.Errorf("the last tick is %v of run %q, want %v of the later", got.Tick, got.Run, later)
	}
}

func clearsTwice(t *testing.T, b *bench) {
	settledAndCounted(t, b)
	b.must(b.store.Hold(t.Context(), b.job.Name, "seeder", time.Hour))
	b.must(b.store.AddHomes(t.Context(), b.job.Name, []crawler.Host{"a.test"}))
	b.move(crawler.StateRunning)
	b.move(crawler.StateCancelled)
	before := b.counters()
	b.must(b.store.keepCounters(t.Context(), b.job)) // where the other died
	late := run(t.Context(), b.rdb, keepScript(), "keep", jobBase(b.job.Name)+nameJob, "counters", "{}")
	if kept, err := late.Int(); err != nil || kept != 0 {
		t.Errorf("who comes late keeps other counters (%v)", err)
	}
	b.must(b.rdb.Del(t.Context(), b.base(0)+nameCount, b.base(0)+nameDue).Err())
	for range 2 {
		b.must(b.store.Clear(t.Context(), b.job.Name))
		after, err := b.store.Counters(t.Context(), b.job.Name)
		b.must(err)
		before.Ready = 0 // which is of the moment, and not kept
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("counters (-before +after):\n%s", diff)
		}
		record := jobBase(b.job.Name) + nameJob
		if keys := b.keys(); len(keys) != 1 || keys[0] != record || !b.status().Cleared {
			t.Errorf("there are %v, want the record alone, cleared", keys)
		}
	}
}

func removesAll(t *testing.T, b *bench) {
	settledAndCounted(t, b)
	neighbour := queueBase(b.job.Name+"-2") + "paused"
	b.must(b.rdb.Set(t.Context(), neighbour, 1, time.Minute).Err())
	for _, name := range []string{"paused", "processed:2026-11-24", "t:abc", "completed"} {
		b.must(b.rdb.Set(t.Context(), queueBase(b.job.Name)+name, 1, time.Minute).Err())
	}
	b.must(b.store.Remove(t.Context(), b.job.Name))
	if keys := b.keys(); len(keys) != 1 || keys[0] != neighbour {
		t.Errorf("there are %v, want that of its neighbour", keys)
	}
	if err := b.store.Remove(t.Context(), b.job.Name); !errors.Is(err, crawler.ErrNoJob) {
		t.Errorf("removed again: %v, want %v", err, crawler.ErrNoJob)
	}
}

// keys lists all keys with the job's name.
func (b *bench) keys() (keys []string) {
	b.t.Helper()
	scan := func(node redis.Cmdable) {
		found := node.Scan(b.t.Context(), 0, "*", 1000).Iterator()
		for found.Next(b.t.Context()) {
			if strings.Contains(found.Val(), b.job.Name) {
				keys = append(keys, found.Val())
			}
		}
		b.must(found.Err())
	}
	if _, ok := b.rdb.(*redis.ClusterClient); !ok {
		scan(b.rdb)
		return keys
	}
	for _, addr := range redistest.Cluster(b.t) {
		node := redis.NewClient(&redis.Options{Addr: addr})
		scan(node)
		b.must(node.Close())
	}
	return keys
}

// A process holds a megabyte of what it knows to be seen of each job.
func TestNothingIsRememberedOfJobsThatAreOver(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Builtin(t), 1)
	names := []string{"done", "going", "removed"}
	for _, name := range names {
		job := crawler.DefaultJob()
		job.Name = name
		b.must(b.store.Create(t.Context(), job))
		_, err := b.store.Frontier(job).Admit(t.Context(), b.entries(0, "http://a.test/"))
		b.must(err)
		_, err = b.store.Status(t.Context(), name)
		b.must(err)
	}
	elsewhere := New(b.rdb)
	_, err := elsewhere.Move(t.Context(), "done", crawler.StateDone, "", crawler.StateCreated)
	b.must(err)
	b.must(elsewhere.Remove(t.Context(), "removed"))
	b.must(b.rdb.HSet(t.Context(), jobBase("foreign")+nameJob, "settings", "{]").Err())
	b.must(b.rdb.SAdd(t.Context(), keyJobs, "foreign").Err())
	all, err := b.store.Statuses(t.Context())
	if err != nil || len(all) != 4 { // with the bench's own, and one that is broken
		t.Errorf("%d jobs are listed (%v), want 4", len(all), err)
	}
	for _, name := range names {
		if remembers := b.store.recent[name] != nil; remembers && name != "going" {
			t.Errorf("of the job that is %s, something is remembered", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if all, err := b.store.Statuses(ctx); err == nil {
		t.Errorf("without a Redis, %d jobs are listed", len(all))
	}
}
