// Package redisd starts a Redis of one's own: for a crawl on a laptop, where
// no Redis is named, and for tests.
//
// A [Server] is a redis-server, or valkey-server, that runs as a child of this
// process. It listens on a Unix socket only, keeps its files in one folder, and
// does not outlive its parent. A [Builtin] is an imitation of Redis inside this
// process, for machines without one: its data live in memory and end with it.
package redisd
