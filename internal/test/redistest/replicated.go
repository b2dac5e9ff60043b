package redistest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisd"
)

// Pair is a master of a [Replicated] Cluster and its replica.
type Pair struct {
	Master, Replica *Node

	t testing.TB
}

// replicator is the user that replicas log in as at their master.
const replicator = "replicator"

// Replicated starts a real Redis Cluster of three masters with one replica each, for this test
// alone, which ends with it. No replica takes over unless it is told to. The test is skipped if no
// server is on PATH, as with [New].
func Replicated(t testing.TB) []*Pair {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		miss(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*clusterPatience)
	defer cancel()
	start := func() (*Node, *redis.Client) {
		n := own(t, redisd.Config{Args: []string{
			"--cluster-enabled", "yes", "--cluster-port", busPort, "--cluster-announce-ip", "127.0.0.1",
			"--cluster-node-timeout", "3600000", "--repl-diskless-sync-delay", "0",
			"--masteruser", replicator, "--masterauth", replicator,
		}})
		client := redis.NewClient(&redis.Options{Addr: n.TCP})
		t.Cleanup(func() { client.Close() })
		return n, client
	}
	pairs := make([]*Pair, clusterMasters)
	masters, replicas := make([]*redis.Client, clusterMasters), make([]*redis.Client, clusterMasters)
	for i := range pairs {
		pairs[i] = &Pair{t: t}
		pairs[i].Master, masters[i] = start()
		pairs[i].Replica, replicas[i] = start()
		pairs[i].Mend()
	}
	err := join(ctx, masters)
	for i := 0; err == nil && i < len(pairs); i++ {
		err = follow(ctx, replicas[i], masters[i])
	}
	for i := 0; err == nil && i < len(pairs); i++ {
		err = agree(ctx, masters[i], 2*clusterMasters)
	}
	if err != nil {
		t.Fatalf("start a replicated Redis Cluster: %v", err)
	}
	return pairs
}

// follow makes a node the replica of another, and returns when it has the master's data.
func follow(ctx context.Context, replica, master *redis.Client) error {
	if err := meet(ctx, master, replica); err != nil {
		return err
	}
	id, err := master.Do(ctx, "CLUSTER", "MYID").Text()
	if err != nil {
		return err
	}
	if err := poll(ctx, func() error { return replica.Do(ctx, "CLUSTER", "REPLICATE", id).Err() }); err != nil {
		return err
	}
	return poll(ctx, func() error { return linked(ctx, replica) })
}

// linked returns an error while a replica is not connected to its master.
func linked(ctx context.Context, replica *redis.Client) error {
	info, err := replica.Info(ctx, "replication").Result()
	if err == nil && !strings.Contains(info, "master_link_status:up") {
		err = fmt.Errorf("the replica is not connected:\n%s", info)
	}
	return err
}

// Cut stops the replication of the master. The replica stays in the Cluster with the data
// that it has, and can be promoted.
func (p *Pair) Cut() { p.master("ACL", "DELUSER", replicator) }

// Mend lets the replica follow its master again.
func (p *Pair) Mend() {
	p.master("ACL", "SETUSER", replicator, "on", ">"+replicator, "+psync", "+replconf", "+ping")
}

func (p *Pair) master(command ...any) {
	p.t.Helper()
	client := redis.NewClient(&redis.Options{Addr: p.Master.TCP})
	defer client.Close()
	if err := client.Do(p.t.Context(), command...).Err(); err != nil {
		p.t.Fatalf("%v %v: %v", command[0], command[1], err)
	}
}

// FailOver kills the master and promotes its replica, which has the data that was
// replicated.
func (p *Pair) FailOver() {
	p.t.Helper()
	p.Master.Kill()
	client := redis.NewClient(&redis.Options{Addr: p.Replica.TCP})
	defer client.Close()
	if err := client.Do(p.t.Context(), "CLUSTER", "FAILOVER", "TAKEOVER").Err(); err != nil {
		p.t.Fatalf("promote the replica: %v", err)
	}
}
