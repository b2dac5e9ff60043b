package redistest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisd"
)

const (
	clusterMasters  = 3
	clusterSlots    = 16384
	clusterPatience = time.Minute           // how long the masters may take to agree
	clusterTick     = 50 * time.Millisecond // how often to check
)

// Cluster returns the addresses of the masters of a real Redis Cluster, which the tests
// of this binary share and which ends with it. The test is skipped if no server is on
// PATH, as with [New].
func Cluster(t testing.TB) []string {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		miss(t)
	}
	addrs, err := sharedCluster()
	if err != nil {
		t.Fatalf("start the Redis Cluster of the tests: %v", err)
	}
	return slices.Clone(addrs)
}

var sharedCluster = sync.OnceValues(func() ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), clusterPatience)
	defer cancel()
	var masters []*redis.Client
	var addrs []string
	for i := range clusterMasters {
		n, err := shareNode(fmt.Sprintf("cluster-%d", i), redisd.Config{Args: []string{
			"--cluster-enabled", "yes", "--cluster-port", busPort, "--cluster-announce-ip", "127.0.0.1",
		}})
		if err != nil {
			return nil, err
		}
		master := redis.NewClient(&redis.Options{Addr: n.TCP})
		defer master.Close()
		masters, addrs = append(masters, master), append(addrs, n.TCP)
	}
	return addrs, join(ctx, masters)
})

// join forms a cluster of masters that may have belonged to another one. It returns when
// each of them reports that all slots are served.
func join(ctx context.Context, masters []*redis.Client) error {
	for i, m := range masters {
		first, last := i*clusterSlots/len(masters), (i+1)*clusterSlots/len(masters)-1
		for _, command := range [][]any{
			{"CLUSTER", "RESET", "HARD"},
			{"CLUSTER", "SET-CONFIG-EPOCH", i + 1},
			append([]any{"CLUSTER", "ADDSLOTS"}, slots(first, last)...),
		} {
			if err := m.Do(ctx, command...).Err(); err != nil {
				return fmt.Errorf("%v %v: %w", command[0], command[1], err)
			}
		}
	}
	for _, m := range masters[1:] {
		if err := meet(ctx, masters[0], m); err != nil {
			return err
		}
	}
	for _, m := range masters {
		if err := agree(ctx, m, len(masters)); err != nil {
			return err
		}
	}
	return nil
}

func slots(first, last int) []any {
	var all []any
	for slot := first; slot <= last; slot++ {
		all = append(all, slot)
	}
	return all
}

// meet introduces two nodes to each other.
func meet(ctx context.Context, one, other *redis.Client) error {
	bus, err := other.ConfigGet(ctx, "cluster-port").Result()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(other.Options().Addr)
	if err != nil {
		return err
	}
	return one.Do(ctx, "CLUSTER", "MEET", host, port, bus["cluster-port"]).Err()
}

// agree waits until a node knows n nodes and reports that all slots are served.
func agree(ctx context.Context, node *redis.Client, n int) error {
	return poll(ctx, func() error {
		info, err := node.ClusterInfo(ctx).Result()
		if err == nil && (!strings.Contains(info, "cluster_state:ok") ||
			!strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n))) {
			err = fmt.Errorf("the cluster is not whole yet:\n%s", info)
		}
		return err
	})
}

// poll calls ask repeatedly until there is no error. It returns the last error when ctx
// is done.
func poll(ctx context.Context, ask func() error) error {
	ticker := time.NewTicker(clusterTick)
	defer ticker.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}
