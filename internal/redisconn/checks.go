package redisconn

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Warning is something an operator may want to know about a Redis, in one line: what it is,
// what it means, and what to do.
type Warning string

// Oldest is the oldest version of Redis that Trawl works with.
const Oldest = "6.2"

// Requirements of a Redis.
const (
	oldestMajor = 6 // as Oldest, which has LMOVE, ZRANGE with BYSCORE, and ACLs for channels
	oldestMinor = 2
	intsetSize  = 512 // the largest bucket of seen, see lua/seen.lua
)

// Examine checks one Redis.
func Examine(ctx context.Context, rdb *redis.Client, cluster bool) ([]Warning, error) {
	n, err := probe(ctx, rdb, cluster)
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

// checkMode checks that the server is deployed as the client assumes.
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

// checkWhole checks that all slots of a Cluster are served.
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
	if !Supported(version) {
		return fmt.Errorf("%s has version %q, which is too old: install Redis %s or later, or Valkey", n.where, version,
			Oldest)
	}
	return nil
}

// Supported reports whether Trawl works with a version of Redis, such as "7.0.15".
func Supported(version string) bool {
	var major, minor int
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor) // 0.0 if it cannot be parsed
	return major > oldestMajor || major == oldestMajor && minor >= oldestMinor
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

// checkEviction checks that Redis does not evict keys when it is full.
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

// checkSilence warns about what could not be determined.
func (n *node) checkSilence() {
	if len(n.doubts) > 0 {
		n.warn("does not tell all of itself (%s), so see for yourself %s", strings.Join(n.refusals, "; "),
			strings.Join(n.doubts, ", "))
	}
}
