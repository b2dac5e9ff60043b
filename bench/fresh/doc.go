// Command fresh measures how stale a crawler's copies of pages are at a budget, on histories of
// pages that people really changed.
//
//	go run ./fresh HISTORIES
//
// HISTORIES is a file of JSON, gzipped or not. For each collection it has the pages, and for each
// page its events, as [unix seconds, "A", "M" or "D"]: added, modified, deleted. A collection is
// replayed as a site in virtual time. A [policy] is told of each page when it appears, which is its
// first fetch, and chooses which pages are fetched again. It learns whether a fetch found a change.
// First fetches are the same for all policies, so they are not counted. All policies have the same
// budget for further fetches. The last three years are measured; the time before is for learning.
//
// A page is stale from a change until it is fetched, and a deleted page until a fetch finds that
// out. The site counts staleness in page-days from its own log of changes and fetches,
// independently of the policies.
//
// The policies are uniform intervals; the rules of Nutch and of StormCrawler; the mathematics of
// Trawl; a fleet of Trawl; the latter two with a sitemap that announces half of the changes; and an
// oracle, which knows the number of changes that each page will have, and fetches at the best
// intervals for them.
//
// The mathematics are [recrawl.State] and [recrawl.Threshold] as in a continuous job, in ticks of
// six hours. Announcements cost nothing there, and are known at once.
//
// In a [fleet], the frontier, scheduler, visits, parsers and sitemaps crawl the site, with full
// politeness, in a bubble of [testing/synctest], whose clock jumps to the next event. An [operator]
// queues new pages when they appear, and gives the job its budget each day: that of the policies,
// plus the number of pages that have appeared since the day before, for their first fetches. A year
// of virtual time takes ten seconds of processor time for a site of 60 pages, and a minute for one
// of 400. With -every, a sample of the pages is a site of its own; its budget is smaller
// accordingly, but its sitemap costs a fetch as before, so signals are worth less than to the whole
// site. With -fast, no fleet takes part, which takes seconds for all pages.
package main
