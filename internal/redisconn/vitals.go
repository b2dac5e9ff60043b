package redisconn

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Vitals is what one or more servers report about themselves. What a server does not tell
// is zero.
type Vitals struct {
	Servers           int    // how many were asked
	Version           string // such as "8.0.2"
	Role              string // "master" or "slave"
	Memory            int64  // bytes in use
	MaxMemory         int64  // bytes; 0: no limit
	CommandsPerSecond int64
	// Persistence says how the data is kept, and what is wrong with that; "" if it is not told.
	Persistence string
	Replicas    int           // that are connected
	Lag         time.Duration // how far the slowest of them is behind, in whole seconds
}

// VitalsOf asks a server. That INFO is forbidden there is not an error.
func VitalsOf(ctx context.Context, rdb *redis.Client) (Vitals, error) {
	text, err := rdb.Info(ctx).Result()
	n := &node{where: whereIs(rdb)}
	if err := n.refused(err); err != nil {
		return Vitals{}, Passing(err)
	}
	facts := parseInfo(text)
	number := func(name string) int64 {
		v, _ := strconv.ParseInt(facts[name], 10, 64)
		return v
	}
	return Vitals{
		Servers: 1, Version: cmp.Or(facts["valkey_version"], facts["redis_version"]), Role: facts["role"],
		Memory: number("used_memory"), MaxMemory: number("maxmemory"),
		CommandsPerSecond: number("instantaneous_ops_per_sec"),
		Persistence:       persistenceOf(facts), Replicas: int(number("connected_slaves")), Lag: lagOf(facts),
	}, nil
}

// Plus returns what two groups of servers report together.
func (v Vitals) Plus(w Vitals) Vitals {
	return Vitals{
		Servers: v.Servers + w.Servers, Version: cmp.Or(v.Version, w.Version), Role: cmp.Or(v.Role, w.Role),
		Memory: v.Memory + w.Memory, MaxMemory: v.MaxMemory + w.MaxMemory,
		CommandsPerSecond: v.CommandsPerSecond + w.CommandsPerSecond,
		Persistence:       cmp.Or(v.Persistence, w.Persistence), Replicas: v.Replicas + w.Replicas, Lag: max(v.Lag, w.Lag),
	}
}

// persistenceOf says how a server keeps its data (INFO, section Persistence).
func persistenceOf(facts map[string]string) string {
	switch {
	case facts["aof_enabled"] == "":
		return ""
	case facts["aof_enabled"] == "1" && facts["aof_last_write_status"] == "err":
		return "append-only file, which cannot be written"
	case facts["aof_enabled"] == "1":
		return "append-only file"
	case facts["rdb_last_bgsave_status"] == "err":
		return "snapshots, the last of which failed"
	case facts["rdb_last_save_time"] == "0":
		return "none yet"
	}
	last, err := strconv.ParseInt(facts["rdb_last_save_time"], 10, 64)
	if err != nil {
		return "snapshots"
	}
	return "snapshots, the last at " + time.Unix(last, 0).UTC().Format("2006-01-02 15:04 UTC")
}

// lagOf returns how far the slowest replica is behind (INFO, section Replication).
func lagOf(facts map[string]string) (lag time.Duration) {
	for i := 0; ; i++ {
		replica, ok := facts["slave"+strconv.Itoa(i)]
		if !ok {
			return lag
		}
		for field := range strings.SplitSeq(replica, ",") {
			if text, ok := strings.CutPrefix(field, "lag="); ok {
				seconds, _ := strconv.ParseInt(text, 10, 64)
				lag = max(lag, time.Duration(seconds)*time.Second)
			}
		}
	}
}
