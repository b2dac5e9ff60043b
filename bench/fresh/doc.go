// Command fresh measures how stale the copies of pages are that a crawler keeps at a budget, on
// histories of pages that people really changed.
//
//	go run ./fresh HISTORIES
//
// HISTORIES is a file of JSON, gzipped or not: for each collection the pages, and of each page the
// events, as [unix seconds, "A", "M" or "D"]: added, modified, deleted. A collection is replayed
// as a site in virtual time. A [policy] is told of each page when it appears, which is its first
// fetch, and chooses what is fetched again; it learns whether a fetch found a change. First fetches
// are the same for all policies, so they are not counted. All have the same budget for the others.
// The last three years are measured; what lies before is for learning.
//
// A page is stale from when it changes until it is fetched, and one that was deleted until that is
// found out. Staleness is counted by the site, from its own log of changes and fetches, in
// page-days, and no policy has a say in it.
//
// The policies are uniform intervals; the rules of Nutch and of StormCrawler; Trawl, with
// [recrawl.State] and [recrawl.Threshold] as a continuous job has them; the same with a sitemap
// that announces half of the changes; and an oracle, which knows the number of changes that each
// page will have, and fetches at the best intervals for them.
package main
