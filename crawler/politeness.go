package crawler

import "time"

// Politeness says whom a host is shared with.
type Politeness string

// The kinds of politeness.
const (
	// PolitenessFleet makes one visit at a time to a host, over all jobs of the fleet,
	// and keeps the longest delay that any of them owes it.
	PolitenessFleet Politeness = "fleet"
	// PolitenessJob looks at the job's own visits alone. For sites of one's own.
	PolitenessJob Politeness = "job"
)

// Politenesses are all kinds.
var Politenesses = []Politeness{PolitenessFleet, PolitenessJob}

// Sharing is what a turn knows of the other jobs of the fleet at its host. Its zero
// value is a host that another job holds.
type Sharing struct {
	// Held says that the turn holds the host. Otherwise another job does: no request
	// may be made in this turn.
	Held bool
	// Last is when another job's last request was made, or this job's before the turn;
	// zero when that is not known or need not be kept.
	Last time.Time
	// Gap is the longest time between requests that another job with URLs at the host
	// owes it. 0: no other job does.
	Gap time.Duration
	// Others says that another job waits for the host. The turn then ends soon.
	Others bool
}

// VisitTerm bounds one visit of the job: two minutes and two requests, because a visit
// takes no URLs after half a minute and each request has a bound of its own.
func (j Job) VisitTerm() time.Duration { return 2*time.Minute + 2*time.Duration(j.Timeout) }
