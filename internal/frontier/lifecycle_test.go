package frontier

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// TestLifecycle tests the record of a job from creation to removal.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *testJob)
	}{
		{"a job whose creator died is listed when it is created again", healsCreation},
		{"writing about a removed job does not restore it", staysRemoved},
		{"a job ages only while it is running and attended", ages},
		{"a paused job has not ended", endsOnce},
		{"an earlier tick does not replace a later one", ticks},
		{"an interrupted clearing is completed, and the counters are kept", clearsTwice},
		{"the workers that cannot keep pages are listed, with time and reason", tellsTroubles},
		{"the history of a job has a sample for each second and minute, and is bounded", keepsHistory},
		{"recent pages are reported while someone watches the job, and the ring is bounded", reportsWhileWatched},
		{"the last pages of a host are reported while someone watches it, and are bounded", reportsHostWhileWatched},
		{"what workers count of the distributions of a job is added up", addsSpreads},
		{"old reports of workers are forgotten, and removed with the job", forgetsTroubles},
		{"the writers that the job waits for are listed, until they are complete or dead", awaitsWriters},
		{"a job is closing until it has URLs again, or ends", closesAndReopens},
		{"a removed job and its queue leave no keys", removesAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onEach(t, c.name, func(t *testing.T, url string) { c.test(t, newTestJob(t, url, 3)) })
			t.Run("cluster", func(t *testing.T) { c.test(t, newClusterJob(t, 3)) })
		})
	}
}

func (b *testJob) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *testJob) status() crawler.Status {
	b.t.Helper()
	status, err := b.store.Status(b.t.Context(), b.job.Name)
	b.must(err)
	return status
}

func (b *testJob) move(to crawler.State) {
	b.t.Helper()
	moved, err := b.store.Move(b.t.Context(), b.job.Name, to, "", b.status().State)
	if err != nil || !moved {
		b.t.Fatalf("the job does not change to %s: %v", to, err)
	}
}

func healsCreation(t *testing.T, b *testJob) {
	b.must(b.rdb.SRem(t.Context(), keyJobs, b.job.Name).Err())
	created := b.status().Created
	if err := b.store.Create(t.Context(), b.job); !errors.Is(err, queue.ErrJobExists) {
		t.Errorf("created again: %v, want %v", err, queue.ErrJobExists)
	}
	listed, err := b.rdb.SIsMember(t.Context(), keyJobs, b.job.Name).Result()
	if err != nil || !listed {
		t.Errorf("listed: got %v (%v)", listed, err)
	}
	if got := b.status(); got.State != crawler.StateCreated || !got.Created.Equal(created) {
		t.Errorf("got state %s, created %v, want created %v", got.State, got.Created, created)
	}
}

func staysRemoved(t *testing.T, b *testJob) {
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
		t.Errorf("keys: got %v", keys)
	}
}

// ages moves the time at which the job was last attended, not the clock.
func ages(t *testing.T, b *testJob) {
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
			t.Fatalf("age: got %v, want %v", got, want)
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
	ago(time.Hour) // no process attended the job
	about(age(), 3*time.Second+maxAge)
	ago(-time.Hour) // the clock was set back
	about(age(), 3*time.Second+maxAge)
}

func endsOnce(t *testing.T, b *testJob) {
	b.move(crawler.StateRunning)
	b.move(crawler.StatePaused)
	if ended := b.status().Ended; !ended.IsZero() {
		t.Errorf("a paused job: got end %v, want none", ended)
	}
	b.move(crawler.StateRunning)
	b.must(b.store.End(t.Context(), b.job.Name, 0, "pages"))
	b.move(crawler.StateDone)
	done := b.status()
	if done.Ended.IsZero() || done.Ending != "" {
		t.Errorf("a finished job: got end %v, reason of ending %q", done.Ended, done.Ending)
	}
	b.move(crawler.StateRunning)
	if again := b.status(); !again.Ended.IsZero() || !again.Started.Equal(done.Started) {
		t.Errorf("a resumed job: got start %v, end %v; want %v and no end", again.Started, again.Ended, done.Started)
	}
	end := func() (moved bool) {
		t.Helper()
		moved, err := b.store.Move(t.Context(), b.job.Name, crawler.StateDone, "", crawler.StateRunning)
		b.must(err)
		return moved
	}
	b.must(b.store.Hold(t.Context(), b.job.Name, "seeder", time.Hour)) // after the scheduler has looked
	if end() {
		t.Error("a job that is brought seeds has ended for want of work")
	}
	b.must(b.store.LetGo(t.Context(), b.job.Name, "seeder"))
	if !end() {
		t.Error("a job without seeds has not ended")
	}
}

func ticks(t *testing.T, b *testJob) {
	later := time.UnixMilli(1_800_000_000_000)
	b.must(b.store.Ticked(t.Context(), b.job.Name, later, "later"))
	b.must(b.store.Ticked(t.Context(), b.job.Name, later.Add(-time.Second), "earlier"))
	if got := b.status(); !got.Tick.Equal(later) || got.Run != "later" {
		t.Errorf("last tick: got %v of run %q, want %v of the later run", got.Tick, got.Run, later)
	}
}

func clearsTwice(t *testing.T, b *testJob) {
	settledAndCounted(t, b)
	b.must(b.store.Hold(t.Context(), b.job.Name, "seeder", time.Hour))
	b.must(b.store.AddHomes(t.Context(), b.job.Name, []crawler.Host{"a.test"}))
	b.move(crawler.StateRunning)
	b.move(crawler.StateCancelled)
	before := b.counters()
	b.must(b.store.keepCounters(t.Context(), b.job)) // the other process died after this step
	late := run(t.Context(), b.rdb, keepScript(), "keep", jobBase(b.job.Name)+nameJob, "counters", "{}")
	if kept, err := late.Int(); err != nil || kept != 0 {
		t.Errorf("a late caller keeps other counters (%v)", err)
	}
	b.must(b.rdb.Del(t.Context(), b.base(0)+nameCount, b.base(0)+nameDue).Err())
	for range 2 {
		b.must(b.store.Clear(t.Context(), b.job.Name))
		after, err := b.store.Counters(t.Context(), b.job.Name)
		b.must(err)
		before.Ready = 0 // not stored, because it changes by itself
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("counters (-before +after):\n%s", diff)
		}
		keys := slices.Sorted(slices.Values(b.keys()))
		record := []string{jobBase(b.job.Name) + nameEvents, jobBase(b.job.Name) + nameJob}
		if !slices.Equal(keys, record) || !b.status().Cleared {
			t.Errorf("keys: got %v, want only the cleared record and the events", keys)
		}
	}
}

func removesAll(t *testing.T, b *testJob) {
	settledAndCounted(t, b)
	neighbour := queueBase(b.job.Name+"-2") + "paused"
	b.must(b.rdb.Set(t.Context(), neighbour, 1, time.Minute).Err())
	for _, name := range []string{"paused", "processed:2026-11-24", "t:abc", "completed"} {
		b.must(b.rdb.Set(t.Context(), queueBase(b.job.Name)+name, 1, time.Minute).Err())
	}
	b.must(b.store.Remove(t.Context(), b.job.Name))
	if keys := b.keys(); len(keys) != 1 || keys[0] != neighbour {
		t.Errorf("keys: got %v, want the key of the other job", keys)
	}
	if err := b.store.Remove(t.Context(), b.job.Name); !errors.Is(err, queue.ErrNoJob) {
		t.Errorf("removed again: %v, want %v", err, queue.ErrNoJob)
	}
}

// keys lists all keys with the job's name.
func (b *testJob) keys() (keys []string) {
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

// A process caches a megabyte of seen URLs for each job.
func TestCachedURLsOfFinishedJobsAreDropped(t *testing.T) {
	t.Parallel()
	b := newTestJob(t, redistest.Builtin(t), 1)
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
	if err != nil || len(all) != 4 { // the three jobs and a broken one
		t.Errorf("%d jobs are listed (%v), want 4", len(all), err)
	}
	for _, name := range names {
		if remembers := b.store.recent[name] != nil; remembers && name != "going" {
			t.Errorf("URLs of the job %s are still cached", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if all, err := b.store.Statuses(ctx); err == nil {
		t.Errorf("without Redis, %d jobs are listed", len(all))
	}
}
