// Package crawler defines the vocabulary of Trawl.
//
// A [Job] is one named crawl: its seeds, [Scope], limits and politeness. A [URL] is an
// absolute http or https address in canonical form; only [ParseURL] and [Base.Resolve]
// create one. A [Host] is the unit of politeness. An [Entry] is a URL in the frontier, with
// how it was found and how often it was tried. A [Page] is the result of one fetch, a
// [Document] the result of parsing it, an [Outcome] the fate of one URL, and a [Result] all
// of these together, as sinks keep it.
//
// Many files: each noun of the vocabulary has a file of its own, and the nouns refer to one
// another, as a page does to its URL and a job to its settings.
//
// The package does not depend on Redis, asynq or HTTP connections. The packages that work
// with these types are others: for example, internal/visit has the visit, a worker's lease
// at one host.
package crawler
