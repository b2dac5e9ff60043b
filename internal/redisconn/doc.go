// Package redisconn connects to any Redis: one server, servers behind Sentinels, or a Cluster.
//
// An [Endpoint] is what a URL says about a Redis: its kind, addresses, passwords and
// certificates. It makes clients, and explains in one line why a Redis does not answer. The
// package also knows which errors of a Redis pass ([Passing]), what to do about the others
// ([Distress]), and whether a server is fit for a crawl ([Examine]). It knows nothing of what
// Trawl keeps in a Redis.
package redisconn
