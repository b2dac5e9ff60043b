// Package redisd starts a private Redis, for a crawl on one machine without a shared Redis,
// and for tests.
//
// A [Server] is a redis-server or valkey-server that runs as a child of this process. It
// listens only on a Unix socket, keeps its files in one folder, and does not outlive its
// parent. A [Builtin] is an imitation of Redis in this process, for machines without one:
// its data is in memory and is lost with the process.
package redisd
