package frontier

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// processes returns the processes that are named after the test's job, because other tests may
// share the Redis.
func (b *testJob) processes() []waiting.Process {
	b.t.Helper()
	all, err := b.store.Processes(b.t.Context())
	b.must(err)
	return slices.DeleteFunc(all, func(p waiting.Process) bool { return p.Name != b.job.Name })
}

func listsProcesses(t *testing.T, b *testJob) {
	ctx := t.Context()
	one := waiting.Process{Kind: waiting.KindScheduler, ID: "1", Name: b.job.Name}
	two := waiting.Process{Kind: waiting.KindWorker, ID: "2", Name: b.job.Name, Jobs: []string{"a", "b"},
		Handlers: []string{"shop"}}
	for range 2 { // the second call renews the same process
		b.must(b.store.Appear(ctx, one, 0))
		b.must(b.store.Appear(ctx, two, 0))
	}
	onSlowMachines := cmpopts.IgnoreFields(waiting.Process{}, "Silent")
	if diff := cmp.Diff([]waiting.Process{one, two}, b.processes(), onSlowMachines); diff != "" {
		t.Errorf("processes (-want +got):\n%s", diff)
	}
	b.must(b.store.Disappear(ctx, one))
	if diff := cmp.Diff([]waiting.Process{two}, b.processes(), onSlowMachines); diff != "" {
		t.Errorf("after one has ended (-want +got):\n%s", diff)
	}
}

func forgetsProcesses(t *testing.T, b *testJob) {
	ctx := t.Context()
	dead := `{"kind":"worker","id":"` + b.job.Name + `","name":"` + b.job.Name + `"}`
	now, err := b.rdb.Time(ctx).Result()
	b.must(err)
	b.must(b.rdb.ZAdd(ctx, keyProcesses, redis.Z{Score: float64(now.Add(-time.Second).UnixMilli()),
		Member: dead}).Err())
	if got := b.processes(); len(got) > 0 {
		t.Errorf("a silent process is listed: %v", got)
	}
	silent := `{"kind":"worker","id":"2","name":"` + b.job.Name + `"}`
	misses := func() { // two signs of life, a moment ago
		now, err := b.rdb.Time(ctx).Result()
		b.must(err)
		b.must(b.rdb.ZAdd(ctx, keyProcesses, redis.Z{
			Score: float64(now.Add(ProcessTerm - silentTerm - time.Millisecond).UnixMilli()), Member: silent,
		}).Err())
	}
	misses()
	if got := b.processes(); len(got) != 1 || !got[0].Silent {
		t.Errorf("a process that has missed signs of life: %v, want a silent one", got)
	}
	for loud := false; !loud; { // a report counts for three seconds, which pass unseen on a slow machine
		misses()
		_, err = b.store.ShareLoad(ctx, WorkerLoad{Worker: b.job.Name + "#abc", Places: 1}, 0)
		b.must(err)
		got := b.processes()
		loud = len(got) == 1 && !got[0].Silent
	}
	b.must(b.store.Leave(ctx, b.job.Name+"#abc"))
	b.must(b.rdb.ZRem(ctx, keyProcesses, silent).Err())
	other := waiting.Process{Kind: waiting.KindWorker, ID: "1", Name: b.job.Name}
	b.must(b.store.Appear(ctx, other, 0))
	if err := b.rdb.ZScore(ctx, keyProcesses, dead).Err(); err != redis.Nil {
		t.Errorf("a dead process is still stored (%v)", err)
	}
	b.must(b.rdb.ZAdd(ctx, keyProcesses, redis.Z{Score: float64(now.Add(time.Minute).UnixMilli()),
		Member: "no JSON of " + b.job.Name}).Err())
	if got := b.processes(); len(got) != 1 {
		t.Errorf("next to an unreadable entry: got %v, want one process", got)
	}
	b.must(b.rdb.ZRem(ctx, keyProcesses, "no JSON of "+b.job.Name).Err())
	b.must(b.store.Disappear(ctx, other))
}

func tellsWhenHostsAreDue(t *testing.T, b *testJob) {
	ctx := t.Context()
	if due, err := b.Due(ctx); err != nil || !due.IsZero() {
		t.Errorf("without hosts: got %v (%v), want the zero time", due, err)
	}
	b.admit(2, "http://a.test/", "http://b.test/")
	now, err := b.rdb.Time(ctx).Result()
	b.must(err)
	if due, err := b.Due(ctx); err != nil || due.After(now) || now.Sub(due) > time.Minute {
		t.Errorf("first host: due at %v (%v), want now, %v", due, err, now)
	}
	for _, h := range []crawler.Host{"a.test", "b.test"} {
		b.must(b.Govern(ctx, h, ruled(crawler.HostRules{Paused: true}), false))
	}
	if due, err := b.Due(ctx); err != nil || !due.Equal(waiting.Never) {
		t.Errorf("all hosts paused: due at %v (%v), want never", due, err)
	}
}
