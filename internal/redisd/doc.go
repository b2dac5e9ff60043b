// Package redisd starts a private Redis, for a crawl on one machine without a shared Redis,
// and for tests.
//
// A [Server] is a redis-server or valkey-server that runs as a child of this process. It
// listens only on a Unix socket, keeps its files in one folder, and does not outlive its
// parent. A [Builtin] is an imitation of Redis in this process, for machines without one. Its
// data is in memory; one that is opened in a folder also keeps it there, in a log of the
// commands that changed it.
//
// The words of the built-in one: a unit is what one command of a client does, of which a
// script may have many commands; a record is what the log has of a unit; a snapshot is a log
// that produces the present data, and nothing else.
package redisd
