// Package frontier is the state that a fleet shares in Redis: which URLs a job has seen,
// which wait at which host, when each host is next due, who visits it now, and counters.
//
// A [Store] is the Redis of a fleet. It holds the fleet's jobs, and for each job a
// [Frontier]. A frontier is divided into shards by host, each in one slot of a Redis
// Cluster. Within a shard, a host is idle, due, armed or open:
//
//	idle --admit--> due --arm--> armed --open--> open --close--> due or idle
//	                 ^---------- sweep ----------/
//
// A URL is admitted once: one script adds its fingerprint to seen and its entry to the
// queue of its host. A visit takes entries into flight and settles them with their
// outcomes. A visit whose deadline passes is swept: its entries in flight return to the
// front of the queue. The epoch grows each time a host is armed, and fences off visits with
// an older one.
//
// Many files: a verb is a Go file here and a Lua script in the folder lua, both named after it, so
// that both are found by the name. All keys are in keys.go.
//
// A script touches the keys of one shard and does a bounded amount of work. Times are unix
// milliseconds of Redis's own clock.
package frontier
