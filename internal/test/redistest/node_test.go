package redistest_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func TestARedisForOneTestListensOnAPort(t *testing.T) {
	t.Parallel()
	node := redistest.Own(t, "--maxmemory", "1gb")
	c := redis.NewClient(&redis.Options{Addr: node.TCP})
	defer c.Close()
	if got, err := c.ConfigGet(t.Context(), "maxmemory").Result(); got["maxmemory"] != "1073741824" {
		t.Errorf("its maxmemory is %q, %v; want that of the arguments", got, err)
	}
}

func TestADurableRedisIsKilledAndHasItsDataWhenItIsStartedAgain(t *testing.T) {
	t.Parallel()
	node := redistest.Durable(t, "--appendfsync", "always")
	c := redis.NewClient(&redis.Options{Addr: node.TCP})
	defer c.Close()
	if err := c.Set(t.Context(), "key", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	node.Kill()
	if err := node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(t.Context(), "key").Result(); got != "kept" {
		t.Errorf("the key is %q, %v; want %q", got, err, "kept")
	}
}

func TestAClusterServesAllSlots(t *testing.T) {
	t.Parallel()
	addrs := redistest.Cluster(t)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs[:1]})
	defer c.Close()
	if info, err := c.ClusterInfo(t.Context()).Result(); err != nil ||
		!strings.Contains(info, "cluster_slots_ok:16384") {
		t.Errorf("the cluster is not complete, %v:\n%s", err, info)
	}
	var mu sync.Mutex
	var masters []string
	err := c.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		masters = append(masters, node.Options().Addr)
		return node.Ping(ctx).Err()
	})
	slices.Sort(masters)
	slices.Sort(addrs)
	if err != nil || !slices.Equal(masters, addrs) {
		t.Errorf("its masters are %v, %v; want %v", masters, err, addrs)
	}
	if again := redistest.Cluster(t); !slices.Equal(slices.Sorted(slices.Values(again)), addrs) {
		t.Errorf("another test has another Cluster: %v", again)
	}
}

func TestSentinelsNameTheMaster(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinel(t)
	for _, addr := range w.Sentinels {
		s := redis.NewSentinelClient(&redis.Options{Addr: addr})
		defer s.Close()
		at, err := s.GetMasterAddrByName(t.Context(), w.Name).Result()
		if err != nil || strings.Join(at, ":") != w.Master.TCP {
			t.Errorf("Sentinel %s names %v, %v; want %s", addr, at, err, w.Master.TCP)
		}
	}
}
