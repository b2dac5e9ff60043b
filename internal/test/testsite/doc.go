// Package testsite serves sites for tests to crawl, and computes the pages that a crawl must
// find.
//
// A [Site] is a set of hosts on loopback addresses. Handlers provide their content:
// [Static] serves a folder, and a [Graph] a set of pages that are computed, not stored.
// The site logs every [Request], and can be made to misbehave at a path: to be slow, to
// fail, to hang. [Reachable] follows the links in a folder, independently of the crawler,
// and returns what a crawl must find.
package testsite
