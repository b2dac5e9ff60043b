// Package frontier is what the fleet remembers together, in Redis: which URLs
// a job has seen, which wait at which host, when each host is next due, who
// visits it now, and the counters of all that.
//
// A [Store] is the Redis of a fleet: its jobs, and for each a [Frontier]. A
// frontier is divided by host into shards, each in one slot of a Redis Cluster.
// In a shard a host is idle, due, armed or open:
//
//	idle --admit--> due --arm--> armed --open--> open --close--> due or idle
//	                 ^---------- sweep ----------/
//
// A URL is admitted once: its fingerprint enters seen and its entry the queue of
// its host, in one script. A visit takes entries into flight and settles them
// with their outcome. A visit whose deadline passes is swept: what it had in
// flight returns to the front of the queue. The epoch, which grows with each
// arming, fences off whoever holds an older one.
//
// Each verb is one Lua script, in a file of its own, that touches the keys of
// one shard and does bounded work. Times are unix milliseconds of Redis's own
// clock.
package frontier
