package rules

import "github.com/trawlcrawler/trawl/crawler"

// The values of settings that are one of a few words.
var (
	ScopeKinds         = []crawler.ScopeKind{crawler.ScopeHost, crawler.ScopeDomain, crawler.ScopeAny}
	SeedRedirectsKinds = []crawler.SeedRedirects{crawler.SeedRedirectsFollow, crawler.SeedRedirectsStay}
	Politenesses       = []crawler.Politeness{crawler.PolitenessFleet, crawler.PolitenessJob}
	TLSKinds           = []crawler.TLSKind{crawler.TLSModern, crawler.TLSLegacy}
	Conditionals       = []crawler.Conditional{
		crawler.ConditionalAuto, crawler.ConditionalAlways, crawler.ConditionalNever,
	}
	DurableKinds = []crawler.DurableKind{crawler.DurableShipped, crawler.DurableDisk}
)

// The kinds of checks and of near duplicates, without "", which both may be.
var (
	checkKinds          = []crawler.CheckKind{crawler.CheckNone, crawler.CheckLinks}
	nearDuplicatesKinds = []crawler.NearDuplicates{
		crawler.NearDuplicatesRecord, crawler.NearDuplicatesSkip, crawler.NearDuplicatesStop,
	}
)
