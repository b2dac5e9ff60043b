// Package sitemap reads the lists of pages that sites publish for crawlers, according to
// the protocol of sitemaps.org: XML, text with one URL per line, RSS and Atom, each
// possibly compressed with gzip.
//
// A [Location] is a URL that a sitemap lists: that of a page or, in an index, that of
// another sitemap. [Read] yields the locations of one sitemap while it reads. [Walk]
// follows indexes, and calls a function of the caller to open sitemaps. A [Refusal] is a
// location that is not a URL. A fault ends the reading of a sitemap early; the locations
// before it remain valid.
//
// Sitemaps are written by strangers and often by hand. Namespaces may be wrong or
// missing, ampersands unescaped, elements unclosed; Read takes what it can understand.
// [Config] bounds the cost of a sitemap: its size after decompression and the number of
// its locations. The length of one piece of markup and the depth of elements are bounded
// as well, so memory does not depend on the size of the sitemap. Entities that a document
// declares are not expanded.
//
// The protocol allows a sitemap to list pages of its own host, and of hosts whose
// robots.txt names it. The caller decides which pages to accept.
package sitemap
