// Package crawler defines the vocabulary of Trawl.
//
// A [Job] is one named crawl: its seeds and its settings, in groups such as
// [ScopeSettings] and [PolitenessSettings]. Its [Status] says how it is doing, its
// [Counters] how far it has come. A [URL] is an absolute http or https address in canonical
// form; only [ParseURL], [Base.Resolve] and, for text that a URL returned, [CanonicalURL]
// create one. A [Host] is the unit of politeness. An [Outcome] is the fate of one URL, and
// a [Record] all that the output says about it.
//
// The package does not depend on Redis, asynq or HTTP connections. What only the engine
// says is in internal packages: internal/queue has what the frontier and a visit tell each
// other, internal/fetched what a fetch brought, internal/rules what a job takes.
package crawler
