package trawl

import (
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Stats are the numbers of a job, with its state.
type Stats struct {
	Counters
	State   State
	Reason  string    // why the job is in that state, such as the budget that ended it
	Started time.Time // zero before it has run
	Ended   time.Time // zero while it runs
}

// statsOf returns the stats of a job.
func statsOf(s crawler.Status, c Counters) Stats {
	return Stats{Counters: c, State: s.State, Reason: s.Reason, Started: s.Started, Ended: s.Ended}
}
