// Package fetched has what a fetch brought, and what was read in it.
//
// A [Page] is the result of one request and a [Document] the result of parsing it. A
// [Result] is all that is known about one URL, as sinks keep it; [Result.Record] is its
// form in the output. [Needs] is what a sink requires of pages, so that a crawl reads and
// records nothing that no sink asks for.
package fetched
