package frontier

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// configure changes a setting of the test's own Redis.
func (b *testJob) configure(name, value string) {
	b.t.Helper()
	b.must(b.rdb.ConfigSet(b.t.Context(), name, value).Err())
}

func TestAJobInAFullRedisCanBeReadAndEnded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := newTestJob(t, redistest.Own(t).URL(), 1)
	b.admit(2, "http://a.test/1", "http://a.test/2")
	b.configure("maxmemory", "1")
	if err := b.store.Probe(ctx); err == nil || !strings.HasPrefix(err.Error(),
		"Redis is full (maxmemory): raise maxmemory there") {
		t.Errorf("a full Redis: got %v", err)
	}
	b.must(New(b.rdb).CheckSchema(ctx)) // the version is missing and cannot be written
	if c := b.counters(); c.Waiting != 2 {
		t.Errorf("%d URLs wait, want 2", c.Waiting)
	}
	for _, step := range []crawler.State{crawler.StateRunning, crawler.StatePaused, crawler.StateCancelled} {
		if moved, err := b.store.Move(ctx, b.job.Name, step, "by hand", b.status().State); !moved || err != nil {
			t.Errorf("to %s: %v, %v", step, moved, err)
		}
	}
	b.must(b.store.Clear(ctx, b.job.Name))
	if got, err := b.store.Counters(ctx, b.job.Name); err != nil || got.Waiting != 2 {
		t.Errorf("after the job was cleared: %+v, %v", got, err)
	}
	b.must(b.store.Remove(ctx, b.job.Name))
	if keys := b.rdb.Keys(ctx, "*").Val(); len(keys) > 1 || len(keys) == 1 && keys[0] != keyChanges {
		t.Errorf("keys left: %q, want at most %s", keys, keyChanges)
	}
}

func TestRedisErrorsAreDescribed(t *testing.T) {
	t.Parallel()
	own := redistest.Own(t)
	replica := redistest.Own(t, "--replicaof", "127.0.0.1 1")
	locked := redistest.Own(t)
	if err := connect(t, locked.URL()).ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
		t.Fatal(err)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for _, c := range []struct{ name, addr, password, want string }{
		{"a read-only replica", replica.TCP, "", "Redis is a read-only replica"},
		{"a missing password", locked.TCP, "", "Redis asks for a password"},
		{"a wrong password", locked.TCP, "wrong", "Redis refuses the password"},
		{"no listener", gone.Addr().String(), "", "Redis is unreachable"},
		{"no answer", silent.Addr().String(), "", "Redis does not answer in time"},
		{"no error", own.TCP, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rdb := redis.NewClient(&redis.Options{Addr: c.addr, Password: c.password, ContextTimeoutEnabled: true,
				MaxRetries: -1})
			defer rdb.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := New(rdb).Probe(ctx)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			var known interface{ Advice() string }
			if errors.As(err, &known) && strings.Contains(known.Advice(), "127.0.0.1") {
				t.Errorf("the advice names an address: %q", known.Advice())
			}
		})
	}
}

func TestAChangedLayoutIsNoticed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := newTestJob(t, redistest.Own(t).URL(), 1)
	b.must(b.store.CheckSchema(ctx))
	review := func(want error) Review {
		t.Helper()
		r, err := b.store.Review(ctx)
		if !errors.Is(err, want) {
			t.Fatalf("review: %v, want %v", err, want)
		}
		return r
	}
	review(nil)
	b.must(b.rdb.Set(ctx, keySchema, "27", 0).Err())
	review(queue.ErrLayout)
	if _, err := b.Admit(ctx, b.entries(0, "http://a.test/1")); !errors.Is(err, queue.ErrLayout) {
		t.Errorf("admit: %v, want ErrLayout", err)
	}
	if _, err := b.store.Statuses(ctx); !errors.Is(err, queue.ErrLayout) {
		t.Errorf("statuses: %v, want ErrLayout", err)
	}
	inside := context.WithValue(ctx, reviewing{}, true)
	if got := b.rdb.Get(inside, keySchema).Val(); got != "27" {
		t.Errorf("the version is now %q", got)
	}
	b.must(b.rdb.Set(inside, keySchema, schema, 0).Err())
	review(nil)
	b.admit(1, "http://a.test/1")
}

func TestAnEmptiedRedisIsNoticedOnceByEachProcess(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := newTestJob(t, redistest.Own(t).URL(), 1)
	others := []*Store{b.store, New(b.rdb)}
	for _, s := range others {
		b.must(s.CheckSchema(ctx))
	}
	b.must(b.rdb.FlushAll(ctx).Err())
	for i, s := range others {
		for round, want := range []bool{true, false} {
			r, err := s.Review(ctx)
			if err != nil || r.Emptied != want {
				t.Errorf("process %d, review %d: emptied %v, %v; want %v", i, round, r.Emptied, err, want)
			}
		}
	}
	if got := b.rdb.Get(ctx, keySchema).Val(); got != strconv.Itoa(schema) {
		t.Errorf("the version is %q, want 1", got)
	}
}

func TestClocksAreCompared(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		b := newTestJob(t, url, 1)
		for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
			b.store.now = func() time.Time { return time.Now().Add(ahead) }
			b.store.review.skewed = time.Time{}
			r, err := b.store.Review(t.Context())
			if off := (r.Skew - ahead).Abs(); err != nil || off > time.Minute {
				t.Errorf("a clock that is %v ahead: got skew %v, %v", ahead, r.Skew, err)
			}
		}
	})
}
