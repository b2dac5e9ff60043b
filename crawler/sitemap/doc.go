// Package sitemap reads the lists of pages that sites write for crawlers, by
// the protocol of sitemaps.org: XML, text with a URL a line, RSS and Atom, each
// also under gzip.
//
// A [Location] is a URL that a sitemap lists: that of a page, or, in an index,
// that of another sitemap. [Read] yields the locations of one sitemap while its
// bytes come; [Walk] follows indexes, through a caller who opens sitemaps. A
// [Refusal] is one location that is no URL. A fault is what ends a sitemap
// before its end: whatever came before it counts.
//
// Sitemaps are written by strangers and often by hand. Namespaces may be wrong
// or missing, entities bare, elements left open; what can be understood is. What
// a sitemap may cost is bounded by [Config]: its bytes after decompression, its
// locations, and within it the length of one piece of markup and the depth of
// elements, so that memory does not depend on its size. Entities that a document
// declares are not read.
//
// The protocol lets a sitemap list pages of its own host, and of hosts whose
// robots.txt names it. Which of them are taken is for the caller to say.
package sitemap
