package validators

import (
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
)

// Applies reports whether a job makes conditional requests, and keeps validators for later ones.
// again says that the job belongs to a series: it is a run of a periodic job, or a crawl into a
// folder, which may be crawled again. A continuous job fetches its own pages again.
//
// With [crawler.ConditionalAuto], a job in which the content itself matters fetches it: one whose
// handlers look at pages, or whose output is a copy of the site.
func Applies(j crawler.Job, again bool) bool {
	switch j.Conditional {
	case crawler.ConditionalNever:
		return false
	case crawler.ConditionalAlways:
		return !compares(j)
	}
	return (again || j.Recrawl.On()) && !compares(j) && len(j.Handlers) == 0 && !slices.ContainsFunc(j.Format, isCopy)
}

// compares reports whether the job needs the content of pages to decide what it keeps or follows.
// What is remembered of a page is not enough for that.
func compares(j crawler.Job) bool {
	return j.NearDuplicates != "" ||
		slices.ContainsFunc(j.FollowRules, func(r crawler.FollowRule) bool { return r.Where != "" })
}

// isCopy reports whether a format keeps pages as files that people open.
func isCopy(format string) bool {
	return slices.Contains([]string{"files", "mirror", "markdown", "wacz", "items"}, format)
}

// Repeats reports whether a job fetches the same page more than once, so that it remembers what it
// has fetched itself.
func Repeats(j crawler.Job) bool {
	return j.Conditional == crawler.ConditionalAlways || j.Recrawl.On()
}
