package queue

import (
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// The limits at which a pattern of URLs is a trap.
const (
	TrapSample = 100 // duplicates in a row after which only one URL in TrapOneIn is fetched
	TrapSkip   = 120 // duplicates in a row after which none is fetched
	TrapOneIn  = 10
)

// TrapReason describes what is done with the URLs of a pattern, and why.
func TrapReason(t crawler.Trap) string {
	if t.Skipped {
		return fmt.Sprintf("trap: URLs like %s are skipped: the last %d of %d pages were duplicates of others",
			t.Pattern, t.Streak, t.Pages)
	}
	return fmt.Sprintf("trap: only one in %d URLs like %s is fetched: the last %d of %d pages were duplicates of others",
		TrapOneIn, t.Pattern, t.Streak, t.Pages)
}
