package queue

import "github.com/trawlcrawler/trawl/crawler"

// Outcomes lists all outcomes, in the order in which they are shown.
var Outcomes = []crawler.Outcome{
	crawler.OutcomeFetched, crawler.OutcomeNotModified, crawler.OutcomeRedirected, crawler.OutcomeFollowed,
	crawler.OutcomeDisallowed, crawler.OutcomeBlocked, crawler.OutcomePaymentRequired, crawler.OutcomeGone,
	crawler.OutcomeFailed, crawler.OutcomeSkipped, crawler.OutcomeRetry,
}
