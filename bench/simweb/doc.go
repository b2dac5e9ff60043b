// Package simweb is a web without sockets: millions of hosts behind one
// [http.RoundTripper], computed from a seed and always the same.
//
// A [Web] has hosts whose sizes follow Zipf's law, pages that link to one another
// and to other hosts, latencies, robots.txt files that forbid some pages, and
// hosts and pages that fail. The pages of a host are a tree, and so are its
// hosts, so that whoever follows all links from page 0 of host 0 finds everything
// that may be found: what leads through a page that fails or is forbidden is
// linked to from above it as well.
//
// A [Ledger] notes what was asked for, and says in the end what was missed, asked
// for twice, or should not have been asked for. A [Fetcher] makes a Web what a
// visit fetches from.
package simweb
