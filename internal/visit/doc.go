// Package visit carries out visits, the unit of work of a worker.
//
// A visit is a worker's exclusive lease on one host, bounded in time and pages. A [Visitor]
// carries out the visits of one job. In a visit it takes URLs from the frontier, paces
// itself, fetches and parses pages, admits the links it found, keeps the records, and
// settles the URLs.
//
// One goroutine leads a visit, and one goroutine for each connection, a lane, carries out
// URL tasks. What a visit knows and does is divided among parts, each with its own fields:
// the lifetime, the leaseKeeper, the hostState, the requester, the taker and the committer.
//
// Many files: each part of a visit has a file, and so has each thing that may happen to a URL, such
// as a redirect, a payment, a sitemap or a trap.
//
// The package does not depend on Redis, asynq or HTTP connections. It declares what a visit
// needs as interfaces ([Frontier], [HostLease], [Fetcher], [Robots], [Parser], [Sink]), which
// other packages implement.
package visit
