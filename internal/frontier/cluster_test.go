package frontier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func clusterURL(t testing.TB) string {
	t.Helper()
	return "redis+cluster://" + strings.Join(redistest.Cluster(t), ",")
}

// newClusterJob creates a job in a Cluster that refuses scripts with keys of a second slot.
func newClusterJob(t testing.TB, shards int) *testJob {
	t.Helper()
	return newTestJob(t, clusterURL(t), shards).strict()
}

// strict makes Redis refuse scripts with keys of several slots, if it supports that.
func (b *testJob) strict() *testJob {
	if b.rdb.Eval(b.t.Context(), "#!lua\nreturn 1", []string{"any"}).Err() == nil {
		b.rdb.(*redis.ClusterClient).AddHook(strictScripts{})
	}
	return b
}

// strictScripts is a hook that puts #!lua before scripts (Redis 7). For scripts without it, a
// Cluster accepts keys of several slots if one master serves all of them.
type strictScripts struct{}

// errNoScript makes go-redis send the whole script.
type errNoScript struct{}

func (errNoScript) Error() string { return "NOSCRIPT" }
func (errNoScript) RedisError()   {}

func (strictScripts) DialHook(next redis.DialHook) redis.DialHook { return next }

func (strictScripts) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		switch args := cmd.Args(); cmd.Name() {
		case "evalsha":
			cmd.SetErr(errNoScript{})
			return cmd.Err()
		case "eval":
			args[1] = "#!lua\n" + args[1].(string)
		}
		return next(ctx, cmd)
	}
}

func (strictScripts) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestAStrictClusterRefusesKeysOfASecondSlot(t *testing.T) {
	t.Parallel()
	b := newClusterJob(t, 1)
	if b.rdb.Eval(t.Context(), "return 1", []string{"any"}).Err() != nil {
		t.Skip("this Redis does not support scripts that begin with #!")
	}
	script := redis.NewScript(`redis.call('GET', KEYS[1]) return redis.call('GET', ARGV[1])`)
	for i := range 20 {
		if err := script.Run(t.Context(), b.rdb, []string{"{a}"}, fmt.Sprint("{a}", i)).Err(); !errors.Is(err,
			redis.Nil) {
			t.Errorf("a second key in the same slot: %v", err)
		}
		if err := script.Run(t.Context(), b.rdb, []string{"{a}"}, fmt.Sprint("b", i)).Err(); err == nil ||
			errors.Is(err, redis.Nil) {
			t.Errorf("a key in a second slot: %v, want an error", err)
		}
	}
}

func TestANodeThatAnnouncesAnUnreachableAddressIsNamed(t *testing.T) {
	t.Parallel()
	node := redistest.Own(t, "--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1",
		"--cluster-announce-port", "1")
	slots := []any{"CLUSTER", "ADDSLOTS"}
	for slot := range 16384 {
		slots = append(slots, slot)
	}
	if err := connect(t, node.URL()).Do(t.Context(), slots...).Err(); err != nil {
		t.Fatal(err)
	}
	want := "Redis Cluster at " + node.TCP +
		": dial tcp 127.0.0.1:1: connect: connection refused: start that node, or let it announce an address"
	if err := ping(t, "redis+cluster://"+node.TCP); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v\nwant  %q", err, want)
	}
}

func TestTheShardsOfAJobAreSpreadOverTheMastersOfACluster(t *testing.T) {
	t.Parallel()
	b := newClusterJob(t, 64) // the chance that a master gets no shard is 1 in 10^11
	var urls []string
	for i := range 1000 {
		urls = append(urls, fmt.Sprintf("http://h%d.test/", i))
	}
	b.admit(len(urls), urls...)
	shards, keys := b.countKeys()
	if len(shards) != len(redistest.Cluster(t)) {
		t.Errorf("shards are on %d masters, want %d: %v", len(shards), len(redistest.Cluster(t)), shards)
	}
	for addr, n := range shards {
		if n < 5 {
			t.Errorf("%d of 64 shards are on %s: %v", n, addr, shards)
		}
	}
	if keys < len(urls) {
		t.Errorf("%d keys for %d hosts", keys, len(urls))
	}
	if err := b.store.Remove(t.Context(), b.job.Name); err != nil {
		t.Fatal(err)
	}
	if shards, keys := b.countKeys(); keys != 0 {
		t.Errorf("%d keys of a removed job are left, on %v", keys, shards)
	}
}

// countKeys counts the shards of the job on each master of a Cluster, and all of its keys.
func (b *testJob) countKeys() (shards map[string]int, keys int) {
	b.t.Helper()
	var mu sync.Mutex
	shards = make(map[string]int)
	err := b.rdb.(*redis.ClusterClient).ForEachMaster(b.t.Context(),
		func(ctx context.Context, node *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			found := node.Scan(ctx, 0, keyPrefix+"{"+b.job.Name+"*", 1000).Iterator()
			for found.Next(ctx) {
				keys++
				if strings.HasSuffix(found.Val(), "}:"+nameCount) {
					shards[node.Options().Addr]++
				}
			}
			return found.Err()
		})
	if err != nil {
		b.t.Fatal(err)
	}
	return shards, keys
}

func TestTheLifecycleOfAJobInACluster(t *testing.T) {
	t.Parallel()
	b := newClusterJob(t, 4)
	ctx, store, name := t.Context(), b.store, b.job.Name
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	moved, err := store.Move(ctx, name, crawler.StateRunning, "", crawler.StateCreated)
	if must("move", err); !moved {
		t.Error("the created job did not start")
	}
	must("hold", store.Hold(ctx, name, "tester", time.Hour))
	must("seeded", store.Seeded(ctx, name, true))
	status, err := store.Status(ctx, name)
	if must("status", err); !status.Held || !status.Seeded || status.State != crawler.StateRunning {
		t.Errorf("status: got %+v", status)
	}
	must("let go", store.LetGo(ctx, name, "tester"))
	jobs, err := store.Statuses(ctx)
	if must("statuses", err); len(jobs) == 0 {
		t.Error("no jobs are listed")
	}
	settledAndCounted(t, b)
	before, err := store.Counters(ctx, name)
	must("counters", err)
	must("clear", store.Clear(ctx, name))
	after, err := store.Counters(ctx, name)
	must("counters", err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("counters after the job was cleared (-before +after):\n%s", diff)
	}
	cache := store.RobotsCache()
	must("put", cache.Put(ctx, "https://"+name, []byte("rules"), 0))
	rules, found, err := cache.Get(ctx, "https://"+name)
	if must("get", err); !found || string(rules) != "rules" {
		t.Errorf("robots.txt: got %q, %v", rules, found)
	}
	must("remove", store.Remove(ctx, name))
}
