// Command scale finds out what one Redis can carry.
//
// It lets the frontier, a scheduler, asynq and the visits of some workers, all of
// them real, crawl simulated webs ([simweb]) over a redis-server of its own that
// keeps an append-only file, or over a Cluster of three. There are no sockets but
// those to Redis, so that what the crawl asks of Redis can be told for webs that
// no machine could serve.
//
// A scenario is a web, and how it is crawled. A fleet carries it out. A toll is
// what that took: the processor time of Redis and of the rest, memory, and the
// commands that Redis was given. For each scenario the ledger of the web tells
// whether everything was fetched, and once.
package main
