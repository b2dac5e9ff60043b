// Package hostile serves a hostile part of the web for tests to crawl.
//
// A [Misbehaviour] is one thing that a server may do to a crawler, with a description,
// what Trawl does about it, the [Limit] that applies, and the [Fate] of the affected
// URLs. A [Web] serves each misbehaviour at its own [Host], beside honest pages, all of
// which a crawl must reach. What it must not reach is a forbidden listener, at an address
// that the crawler was not allowed to connect to. Links, redirects, robots.txt files,
// sitemaps and a name server lead there.
//
// docs/hostile.md lists the misbehaviours in tables, and a test compares it with this
// package.
package hostile
