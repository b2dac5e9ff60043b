package frontier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// replicatedJob is a job in a Cluster with replicas, with two hosts in shards of different masters.
type replicatedJob struct {
	*testJob
	from, to crawler.Host
	there    *redistest.Pair // the master and replica of the shard of host to
}

func newReplicatedJob(t *testing.T) *replicatedJob {
	t.Helper()
	pairs := redistest.Replicated(t)
	var addrs []string
	byAddr := make(map[string]*redistest.Pair)
	for _, p := range pairs {
		addrs = append(addrs, p.Master.TCP)
		byAddr[p.Master.TCP] = p
	}
	a := &replicatedJob{testJob: newTestJob(t, "redis+cluster://"+strings.Join(addrs, ","), 16), from: "a.test"}
	for i := 0; a.there == nil; i++ {
		a.to = crawler.Host(fmt.Sprintf("b%d.test", i))
		if at := a.masterOf(a.to); at != a.masterOf(a.from) {
			a.there = byAddr[at]
		}
	}
	return a
}

// masterOf returns the master of a host's shard.
func (a *replicatedJob) masterOf(h crawler.Host) string {
	a.t.Helper()
	node, err := a.rdb.(*redis.ClusterClient).MasterForKey(a.t.Context(), a.baseOf(h))
	if err != nil {
		a.t.Fatal(err)
	}
	return node.Options().Addr
}

// links returns n links from a page of one host to the other host.
func (a *replicatedJob) links(n int) []queue.Entry {
	var all []queue.Entry
	for i := range n {
		all = append(all, queue.Entry{
			URL: url(a.t, fmt.Sprintf("http://%s/%d", a.to, i)), Referrer: url(a.t, "http://"+string(a.from)+"/"),
			Band: queue.BandNormal,
		})
	}
	return all
}

// admitUntilDone repeats Admit until it succeeds, with pauses, as a visit does: after a failover, the
// client learns of the new master only when it reads the slots of the Cluster again.
func (a *replicatedJob) admitUntilDone(entries []queue.Entry) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 10*time.Minute) // so that a hanging call fails the test
	defer cancel()
	for pause := time.NewTicker(50 * time.Millisecond); ; <-pause.C {
		_, err := a.Admit(ctx, entries)
		if err == nil {
			return
		}
		if !errors.Is(err, queue.ErrUnavailable) {
			a.t.Fatalf("admit: %v, want ErrUnavailable", err)
		}
	}
}

func (a *replicatedJob) waiting() int64 {
	a.t.Helper()
	n, err := a.rdb.LLen(a.t.Context(), a.baseOf(a.to)+nameQueue+"1:"+string(a.to)).Result()
	if err != nil {
		a.t.Fatal(err)
	}
	return n
}

func TestLinksToAnotherShardAreReplicatedBeforeTheirPageIsSettled(t *testing.T) {
	t.Parallel()
	a := newReplicatedJob(t)
	a.admitUntilDone(a.links(10))
	a.there.Cut()
	t.Run("within a shard, Admit does not wait for replication", func(t *testing.T) {
		own := a.links(12)
		for i := range own {
			own[i].Referrer = url(t, "http://"+string(a.to)+"/")
		}
		if n, err := a.Admit(t.Context(), own); n != 2 || err != nil {
			t.Errorf("%d links were admitted (%v), want 2", n, err)
		}
	})
	t.Run("without replication, links between shards are unavailable", func(t *testing.T) {
		_, err := a.Admit(t.Context(), a.links(20))
		if !errors.Is(err, queue.ErrUnavailable) || !strings.Contains(err.Error(), "restore its replication") {
			t.Fatalf("admit: %v, want ErrUnavailable", err)
		}
		if _, err := a.Admit(t.Context(), a.links(20)); !errors.Is(err, queue.ErrUnavailable) {
			t.Errorf("admit stored links that are not confirmed: %v, want ErrUnavailable", err)
		}
	})
	t.Run("with replication again, they are admitted", func(t *testing.T) {
		a.there.Mend()
		a.admitUntilDone(a.links(20))
		if n := a.waiting(); n != 20 {
			t.Errorf("%d links wait, want 20", n)
		}
	})
	t.Run("after a failover that loses links, they are admitted again", func(t *testing.T) {
		a.there.Cut()
		if _, err := a.Admit(t.Context(), a.links(30)); !errors.Is(err, queue.ErrUnavailable) {
			t.Fatalf("admit: %v, want ErrUnavailable", err)
		}
		a.there.FailOver()
		a.admitUntilDone(a.links(30))
		if n := a.waiting(); n != 30 {
			t.Errorf("%d links wait after the failover, want 30", n)
		}
	})
}

func TestReplicasThatMayBePromotedAreCounted(t *testing.T) {
	t.Parallel()
	nodes := strings.Join([]string{
		"m1 127.0.0.1:1@11 myself,master - 0 0 1 connected 0-100",
		"m2 127.0.0.1:2@12 master - 0 0 2 connected 101-16383",
		"r1 127.0.0.1:3@13 slave m1 0 0 1 connected",
		"r2 127.0.0.1:4@14 slave,fail? m1 0 0 1 disconnected",
		"r3 127.0.0.1:5@15 slave,fail m1 0 0 1 disconnected",
		"r4 127.0.0.1:6@16 slave m2 0 0 2 connected",
	}, "\n")
	if n := replicasOf(nodes); n != 2 {
		t.Errorf("%d replicas, want 2: the suspected one counts, the failed one does not", n)
	}
	if n := replicasOf("nothing"); n != 0 {
		t.Errorf("%d replicas of an empty list", n)
	}
}
