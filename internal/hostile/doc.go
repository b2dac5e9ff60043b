// Package hostile is a part of the web that means ill, for tests to crawl.
//
// A [Misbehaviour] is one thing that a server may do to a crawler, with what it
// is, what Trawl does about it, by which [Limit], and the [Fate] of the URLs at
// which it is met. A [Web] serves each at a [Host] of its own, beside honest
// pages, all of which a crawl must reach. What must not be reached is a forbidden
// listener, at an address of which the crawler is not told that it is open, and
// to which links, redirects, robots.txt files, sitemaps and a name server of the
// web's own lead.
//
// docs/hostile.md is the list in a table: a test holds it to the list.
package hostile
