package waiting

import (
	"fmt"
	"math"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// AgainText says in one line what the pages of a continuous job were found to be when they were
// fetched again.
func AgainText(n crawler.Counters) string {
	return fmt.Sprintf("%s: %d fetched again, %d changed, %d unchanged; %d wait to be fetched again",
		plain.Plural(n.Tracked, "page", "pages"), n.Again, n.Changed, n.Unchanged, max(0, n.Back))
}

// FreshText says how up to date the pages of a continuous job are.
func FreshText(f crawler.Freshness) string {
	if f.Pages == 0 {
		return "not known yet, because it is computed about once a minute"
	}
	text := fmt.Sprintf("about %.0f %% of the pages are up to date", 100*f.UpToDate)
	if !f.Oldest.IsZero() {
		text += ", the oldest was fetched " + ageText(f.At.Sub(f.Oldest)) + " ago"
	}
	return text
}

// BudgetText says how much of its budget a continuous job uses, and which would be enough.
func BudgetText(f crawler.Freshness) string {
	text := fmt.Sprintf("%d of %.0f fetches in the last day", f.Used, math.Ceil(f.Budget))
	switch {
	case f.Pages == 0:
	case f.Enough > 0:
		text += fmt.Sprintf("; %.0f a day would keep %.0f %% of the pages up to date", f.Enough, 100*f.Wanted)
	default:
		text += fmt.Sprintf("; no budget would keep %.0f %% of the pages up to date, because many change faster than min allows",
			100*f.Wanted)
	}
	return text
}

// ageText is a duration in the largest unit that it has two of.
func ageText(d time.Duration) string {
	for _, unit := range []struct {
		of        time.Duration
		one, many string
	}{{24 * time.Hour, "day", "days"}, {time.Hour, "hour", "hours"}, {time.Minute, "minute", "minutes"}} {
		if d >= 2*unit.of {
			return plain.Plural(int64(d/unit.of), unit.one, unit.many)
		}
	}
	return plain.Plural(int64(max(0, d)/time.Second), "second", "seconds")
}
