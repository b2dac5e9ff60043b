package redisconn

import (
	"cmp"
	"context"
	"strconv"

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
	}, nil
}

// Plus returns what two groups of servers report together.
func (v Vitals) Plus(w Vitals) Vitals {
	return Vitals{
		Servers: v.Servers + w.Servers, Version: cmp.Or(v.Version, w.Version), Role: cmp.Or(v.Role, w.Role),
		Memory: v.Memory + w.Memory, MaxMemory: v.MaxMemory + w.MaxMemory,
		CommandsPerSecond: v.CommandsPerSecond + w.CommandsPerSecond,
	}
}
