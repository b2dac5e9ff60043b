// Package testsite puts up sites for tests to crawl, and knows the truth about
// them.
//
// A [Site] is a set of hosts on loopback addresses. They serve what handlers
// make of it: [Static] a folder, a [Graph] a web of pages that is computed, not
// stored. The site keeps a log of every [Request], and can be told to misbehave
// at a path: to be slow, to fail, to hang. [Reach] walks a folder by its links,
// independently of the crawler, and says what a crawl must find.
package testsite
