package frontier

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Warning is what an operator may wish to know about a Redis, in one line: what
// is so, what it means and what to do.
type Warning string

// What a Redis must be.
const (
	oldestMajor = 6 // 6.2 has LMOVE, ZRANGE with BYSCORE, and ACLs of channels
	oldestMinor = 2
	intsetSize  = 512 // the largest bucket of seen, by lua/seen.lua
)

// Trust asks the Redis at start whether a crawl may be trusted to it; of a
// Cluster, each master. An error is a reason not to begin: it would lose URLs,
// or not work. It has one line, that says where, what is wrong and what to do.
func (s *Store) Trust(ctx context.Context) ([]Warning, error) {
	var mu sync.Mutex
	var all []Warning
	err := s.eachMaster(ctx, func(ctx context.Context, node *redis.Client, cluster bool) error {
		found, err := examine(ctx, node, cluster)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, found...)
		return err
	})
	slices.Sort(all)
	return all, err
}

// eachMaster calls do, at once, for all masters of a Cluster, or for the one
// server. It returns the first error.
func (s *Store) eachMaster(ctx context.Context, do func(ctx context.Context, node *redis.Client, cluster bool) error) error {
	switch rdb := s.rdb.(type) {
	case *redis.ClusterClient:
		return rdb.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return do(ctx, node, true) })
	case *redis.Client:
		return do(ctx, rdb, false)
	default:
		return fmt.Errorf("redis client %T: neither of one server, nor of Sentinels, nor of a Cluster", rdb)
	}
}

// examine looks for whatever speaks against one Redis.
func examine(ctx context.Context, rdb *redis.Client, cluster bool) ([]Warning, error) {
	n, err := interview(ctx, rdb, cluster)
	if err != nil {
		return nil, err
	}
	for _, check := range []func() error{
		func() error { return n.checkMode(cluster) }, n.checkWhole, n.checkVersion, n.checkRole, n.checkEviction,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	n.checkPersistence()
	n.checkIntsets()
	n.checkSilence()
	return n.warnings, nil
}

// checkMode finds out whether it is kept as the client believes.
func (n *node) checkMode(cluster bool) error {
	mode, _ := n.info("redis_mode")
	switch {
	case mode == "cluster" && !cluster:
		return fmt.Errorf("%s is a node of a Redis Cluster: write redis+cluster:// instead of redis://", n.where)
	case mode == "sentinel":
		return fmt.Errorf("%s is a Sentinel: write redis+sentinel:// instead of redis://, and the name of the master behind it", n.where)
	}
	return nil
}

// checkWhole finds out whether all slots of a Cluster are served.
func (n *node) checkWhole() error {
	state, known := n.info("cluster_state")
	if known && state != "ok" {
		slots, _ := n.info("cluster_slots_ok")
		return fmt.Errorf("%s says that its Cluster is down (cluster_state:%s, %s of 16384 slots are served): mend it, with redis-cli --cluster fix", n.where, state, slots)
	}
	return nil
}

func (n *node) checkVersion() error {
	version, known := n.info("redis_version")
	if !known {
		n.unknown("whether its version is at least 6.2")
		return nil
	}
	var major, minor int
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor) // of what is no version: 0.0
	if major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return fmt.Errorf("%s has version %q, which is too old: install Redis %d.%d or later, or Valkey", n.where, version, oldestMajor, oldestMinor)
	}
	return nil
}

func (n *node) checkRole() error {
	role, known := n.info("role")
	if !known {
		n.unknown("whether it is a master")
		return nil
	}
	if role == "slave" {
		host, _ := n.info("master_host")
		port, _ := n.info("master_port")
		return fmt.Errorf("%s is a replica, and nothing may be written there: name its master, %s:%s, or the Sentinels that know it", n.where, host, port)
	}
	return nil
}

// checkEviction finds out whether Redis throws keys away when it is full.
func (n *node) checkEviction() error {
	limit, known := n.infoOr("maxmemory", "maxmemory")
	policy, alsoKnown := n.infoOr("maxmemory_policy", "maxmemory-policy")
	if !known || !alsoKnown {
		n.unknown("whether its maxmemory-policy is noeviction")
		return nil
	}
	if limit == "0" || policy == "noeviction" {
		return nil
	}
	lost := "URLs that wait and those seen, without a trace"
	if strings.HasPrefix(policy, "volatile-") {
		lost = "the signs of life of workers, and robots.txt files"
	}
	return fmt.Errorf("%s has maxmemory-policy %s: when its %s bytes are full, it throws away %s; run CONFIG SET maxmemory-policy noeviction there, and write it into its redis.conf",
		n.where, policy, limit, lost)
}

func (n *node) checkPersistence() {
	aof, known := n.infoOr("aof_enabled", "appendonly")
	if aof == "1" || aof == "yes" {
		return
	}
	save, alsoKnown := n.config["save"]
	switch {
	case !known || !alsoKnown:
		n.unknown("whether it writes its data to disk (appendonly yes)")
	case save == "":
		n.warn("writes nothing to disk: when it ends, the crawl is lost; run CONFIG SET appendonly yes there, and write it into its redis.conf")
	}
}

func (n *node) checkIntsets() {
	text, known := n.config["set-max-intset-entries"]
	entries, err := strconv.Atoi(text)
	if !known || err != nil {
		n.unknown("whether its set-max-intset-entries is at least 512")
		return
	}
	if entries < intsetSize {
		n.warn("has set-max-intset-entries %d: a seen URL takes some 65 bytes instead of 9; run CONFIG SET set-max-intset-entries %d there, and write it into its redis.conf",
			entries, intsetSize)
	}
}

// checkSilence warns of what could not be found out.
func (n *node) checkSilence() {
	if len(n.doubts) > 0 {
		n.warn("does not tell all of itself (%s), so see for yourself %s", strings.Join(n.refusals, "; "), strings.Join(n.doubts, ", "))
	}
}
