// Package crawler is the vocabulary of Trawl and the visit, its unit of work.
//
// A [Job] is one named crawl: its seeds, [Scope], limits and politeness. A
// [URL] is an absolute http or https address in canonical form, and only
// [ParseURL] and [Base.Resolve] make one. A [Host] is what politeness is owed
// to. An [Entry] is a URL on its way through the frontier, with how it was
// found and how often it was tried. A [Page] is what came back from one fetch,
// a [Document] what parsing made of it, an [Outcome] the fate of one URL, and
// a [Result] all of these together, as the sinks keep it.
//
// A [Visitor] carries out visits: a worker's exclusive turn at one host, in
// which it takes URLs from the frontier, waits, fetches, parses, admits the
// links that it found, keeps the pages, and settles the URLs.
//
// The package knows neither Redis nor asynq nor HTTP connections: what a visit
// needs of them it asks for in interfaces of its own, which the packages
// beneath it satisfy.
package crawler
