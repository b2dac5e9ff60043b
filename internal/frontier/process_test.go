package frontier

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// lives returns the processes whose name is that of the test's job: other tests may
// share the Redis.
func (b *bench) lives() []waiting.Process {
	b.t.Helper()
	all, err := b.store.Processes(b.t.Context())
	b.must(err)
	return slices.DeleteFunc(all, func(p waiting.Process) bool { return p.Name != b.job.Name })
}

func listsProcesses(t *testing.T, b *bench) {
	ctx := t.Context()
	one := waiting.Process{Kind: waiting.KindScheduler, ID: "1", Name: b.job.Name}
	two := waiting.Process{Kind: waiting.KindWorker, ID: "2", Name: b.job.Name, Jobs: []string{"a", "b"},
		Handlers: []string{"shop"}}
	for range 2 { // a second sign of life is of the same process
		b.must(b.store.Appear(ctx, one))
		b.must(b.store.Appear(ctx, two))
	}
	if diff := cmp.Diff([]waiting.Process{one, two}, b.lives()); diff != "" {
		t.Errorf("processes (-want +got):\n%s", diff)
	}
	b.must(b.store.Disappear(ctx, one))
	if diff := cmp.Diff([]waiting.Process{two}, b.lives()); diff != "" {
		t.Errorf("when one has ended (-want +got):\n%s", diff)
	}
}

func forgetsProcesses(t *testing.T, b *bench) {
	ctx := t.Context()
	dead := `{"kind":"worker","id":"` + b.job.Name + `","name":"` + b.job.Name + `"}`
	now, err := b.rdb.Time(ctx).Result()
	b.must(err)
	b.must(b.rdb.ZAdd(ctx, keyProcesses, redis.Z{Score: float64(now.Add(-time.Second).UnixMilli()),
		Member: dead}).Err())
	if got := b.lives(); len(got) > 0 {
		t.Errorf("a process that shows no sign of life is listed: %v", got)
	}
	other := waiting.Process{Kind: waiting.KindWorker, ID: "1", Name: b.job.Name}
	b.must(b.store.Appear(ctx, other))
	if err := b.rdb.ZScore(ctx, keyProcesses, dead).Err(); err != redis.Nil {
		t.Errorf("a dead process is kept (%v)", err)
	}
	b.must(b.rdb.ZAdd(ctx, keyProcesses, redis.Z{Score: float64(now.Add(time.Minute).UnixMilli()),
		Member: "no JSON of " + b.job.Name}).Err())
	if got := b.lives(); len(got) != 1 {
		t.Errorf("beside an entry that cannot be read there is %v, want one process", got)
	}
	b.must(b.rdb.ZRem(ctx, keyProcesses, "no JSON of "+b.job.Name).Err())
	b.must(b.store.Disappear(ctx, other))
}

func tellsWhenHostsAreDue(t *testing.T, b *bench) {
	ctx := t.Context()
	if due, err := b.Due(ctx); err != nil || !due.IsZero() {
		t.Errorf("without hosts, the first is due at %v (%v), want the zero time", due, err)
	}
	b.admit(2, "http://a.test/", "http://b.test/")
	now, err := b.rdb.Time(ctx).Result()
	b.must(err)
	if due, err := b.Due(ctx); err != nil || due.After(now) || now.Sub(due) > time.Minute {
		t.Errorf("the first host is due at %v (%v), want now, %v", due, err, now)
	}
	for _, h := range []crawler.Host{"a.test", "b.test"} {
		b.must(b.Govern(ctx, h, crawler.HostRules{Paused: true}, false))
	}
	if due, err := b.Due(ctx); err != nil || !due.Equal(waiting.Never) {
		t.Errorf("when all are paused, the first is due at %v (%v), want never", due, err)
	}
}
