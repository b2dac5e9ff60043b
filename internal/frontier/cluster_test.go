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

// newClusterBench is a frontier in a Cluster that refuses scripts a second slot.
func newClusterBench(t testing.TB, shards int) *bench {
	t.Helper()
	return newBench(t, clusterURL(t), shards).strict()
}

// strict refuses scripts that use keys of several slots, where Redis can.
func (b *bench) strict() *bench {
	if b.rdb.Eval(b.t.Context(), "#!lua\nreturn 1", []string{"any"}).Err() == nil {
		b.rdb.(*redis.ClusterClient).AddHook(strict{})
	}
	return b
}

// strict lets scripts begin with #!, as Redis 7 knows it. To others a Cluster
// does not refuse the keys of several slots, as long as one master serves them.
type strict struct{}

// errNoScript makes go-redis send the whole script.
type errNoScript struct{}

func (errNoScript) Error() string { return "NOSCRIPT" }
func (errNoScript) RedisError()   {}

func (strict) DialHook(next redis.DialHook) redis.DialHook { return next }

func (strict) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
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

func (strict) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestAStrictClusterRefusesAScriptASecondSlot(t *testing.T) {
	t.Parallel()
	b := newClusterBench(t, 1)
	if b.rdb.Eval(t.Context(), "return 1", []string{"any"}).Err() != nil {
		t.Skip("this Redis does not know scripts that begin with #!")
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

func TestANodeThatAnnouncesAnAddressWhichCannotBeReachedIsNamed(t *testing.T) {
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

func TestTheShardsOfAJobSpreadOverTheMastersOfACluster(t *testing.T) {
	t.Parallel()
	b := newClusterBench(t, 64) // to miss a master by chance takes 1 of 10^11
	var urls []string
	for i := range 1000 {
		urls = append(urls, fmt.Sprintf("http://h%d.test/", i))
	}
	b.admit(len(urls), urls...)
	shards, keys := b.census()
	if len(shards) != len(redistest.Cluster(t)) {
		t.Errorf("shards lie at %d masters, want %d: %v", len(shards), len(redistest.Cluster(t)), shards)
	}
	for addr, n := range shards {
		if n < 5 {
			t.Errorf("%d of 64 shards lie at %s: %v", n, addr, shards)
		}
	}
	if keys < len(urls) {
		t.Errorf("%d keys for %d hosts", keys, len(urls))
	}
	if err := b.store.Remove(t.Context(), b.job.Name); err != nil {
		t.Fatal(err)
	}
	if shards, keys := b.census(); keys != 0 {
		t.Errorf("%d keys are left of a job that was removed, at %v", keys, shards)
	}
}

// census counts, in a Cluster, the shards of the job at each master, and all
// of its keys.
func (b *bench) census() (shards map[string]int, keys int) {
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

func TestAJobLivesItsLifeInACluster(t *testing.T) {
	t.Parallel()
	b := newClusterBench(t, 4)
	ctx, store, name := t.Context(), b.store, b.job.Name
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	moved, err := store.Move(ctx, name, crawler.StateRunning, "", crawler.StateCreated)
	if must("move", err); !moved {
		t.Error("a job that was created could not be run")
	}
	must("hold", store.Hold(ctx, name, "tester", time.Hour))
	must("seeded", store.Seeded(ctx, name, true))
	status, err := store.Status(ctx, name)
	if must("status", err); !status.Held || !status.Seeded || status.State != crawler.StateRunning {
		t.Errorf("status is %+v", status)
	}
	must("let go", store.LetGo(ctx, name, "tester"))
	jobs, err := store.Statuses(ctx)
	if must("statuses", err); len(jobs) == 0 {
		t.Error("there are no jobs")
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
	must("put", cache.Put(ctx, "https://"+name, []byte("rules"), time.Minute))
	rules, found, err := cache.Get(ctx, "https://"+name)
	if must("get", err); !found || string(rules) != "rules" {
		t.Errorf("robots.txt is %q, %v", rules, found)
	}
	must("remove", store.Remove(ctx, name))
}
