package frontier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// In a Redis Cluster each master has its own replication log. Suppose a page is settled in
// one shard after its links were admitted to another. If the other shard's master then
// fails over to a replica that has not received the links, they are lost for good. So links
// that leave the shard of their page must be confirmed by a replica (WAIT) before the page
// may be settled. Within one shard the log keeps the order: if the links are lost, so is
// the page's outcome, and the page is fetched again.

const (
	// confirmTerm bounds one WAIT. Links that are not confirmed in time are admitted again.
	confirmTerm = time.Second
	// topologyAge is how long the number of a master's replicas is cached.
	topologyAge = 5 * time.Second
)

// confirmations is what a process knows of the masters of its Cluster. It is safe for
// concurrent use; the zero value is ready to use.
type confirmations struct {
	mu      sync.Mutex
	masters map[string]topology // by address
	owed    map[string]bool     // bases of shards with an unconfirmed admission
}

// topology is how many replicas a master has.
type topology struct {
	replicas int
	asked    time.Time
}

// admitConfirmed runs admit on the master of a shard and waits for a replica to confirm it.
// Both use one connection, because WAIT covers only the writes of its own connection, and
// because a master that dies in between breaks that connection.
func (f *Frontier) admitConfirmed(ctx context.Context, cluster *redis.ClusterClient, base string,
	args []any) (one admitted, long []longQueue, err error) {
	node, err := cluster.MasterForKey(ctx, base)
	if err != nil {
		return one, nil, fmt.Errorf("frontier: the master of %s: %w", base, redisconn.Passing(err))
	}
	conn := node.Conn()
	defer conn.Close()
	all, long, err := f.admitScript(ctx, conn, base, args, 1)
	if err == nil {
		one = all[0]
		written := one.fresh > 0 || f.depths.kept() // URLs seen before may have got a smaller depth
		err = f.confirmations.confirm(ctx, conn, node.Options().Addr, base, written)
	}
	if err != nil && movedAway(err) {
		cluster.ReloadState(ctx)
		err = fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
	}
	return one, long, err
}

// movedAway reports whether another node now serves the slot.
func movedAway(err error) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	word, _, _ := strings.Cut(reply.Error(), " ")
	return word == "MOVED" || word == "ASK" || strings.Contains(reply.Error(), "WAIT cannot be used with replica")
}

// confirm returns once a replica has everything written over the connection, if the master
// has replicas. It does nothing if nothing was written and nothing is owed. A URL that was
// seen before is confirmed, or admitted again, by the process that admitted it.
func (c *confirmations) confirm(ctx context.Context, conn *redis.Conn, addr, base string, written bool) error {
	if !written && !c.owes(base) {
		return nil
	}
	replicas, err := c.replicas(ctx, conn, addr)
	if err != nil {
		return fmt.Errorf("frontier: the replicas of %s: %w", addr, redisconn.Passing(err))
	}
	if replicas == 0 {
		return nil
	}
	c.note(base, true)
	var confirmed *redis.Cmd
	_, err = conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, base+nameFence) // WAIT needs a write on this connection
		confirmed = p.Do(ctx, "WAIT", 1, confirmTerm.Milliseconds())
		return nil
	})
	if err != nil {
		return fmt.Errorf("frontier: wait for a replica of %s: %w", addr, redisconn.Passing(err))
	}
	if n, err := confirmed.Int(); err != nil || n == 0 {
		return fmt.Errorf("%w: none of the %d replicas of %s confirmed the links within %v: restore its replication, or remove the replicas with CLUSTER FORGET",
			queue.ErrUnavailable, replicas, addr, confirmTerm)
	}
	c.note(base, false)
	return nil
}

// owes reports whether a shard has an unconfirmed admission.
func (c *confirmations) owes(base string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed[base]
}

func (c *confirmations) note(base string, owed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed == nil {
		c.owed = make(map[string]bool)
	}
	if owed {
		c.owed[base] = true
	} else {
		delete(c.owed, base)
	}
}

// replicas returns how many replicas of a master may be promoted: those that its Cluster
// knows and does not consider failed, connected or not.
func (c *confirmations) replicas(ctx context.Context, conn *redis.Conn, addr string) (int, error) {
	c.mu.Lock()
	known, ok := c.masters[addr]
	c.mu.Unlock()
	if ok && time.Since(known.asked) < topologyAge {
		return known.replicas, nil
	}
	nodes, err := conn.ClusterNodes(ctx).Result()
	if err != nil {
		return 0, err
	}
	n := replicasOf(nodes)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.masters == nil {
		c.masters = make(map[string]topology)
	}
	c.masters[addr] = topology{n, time.Now()}
	return n, nil
}

// replicasOf counts the replicas of the answering node in the answer of CLUSTER NODES. A
// line has: id, address, flags, id of the master, …
func replicasOf(nodes string) (n int) {
	var all [][]string
	self := ""
	for line := range strings.Lines(nodes) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		all = append(all, fields)
		if strings.Contains(fields[2], "myself") {
			self = fields[0]
		}
	}
	for _, fields := range all {
		for flag := range strings.SplitSeq(fields[2], ",") {
			if flag == "fail" || flag == "noaddr" {
				fields[3] = ""
			}
		}
		if self != "" && fields[3] == self {
			n++
		}
	}
	return n
}
