package queue

import (
	"time"
)

// Sharing is what a visit knows about the other jobs of the fleet at its host. The zero
// value says that another job holds the host.
type Sharing struct {
	// Held says that this visit holds the host. Otherwise another job does, and no request
	// may be made in this visit.
	Held bool
	// Last is when another job sent its last request, or this job before the visit. It is
	// zero if that is unknown or need not be respected.
	Last time.Time
	// Gap is the longest time between requests that another job with URLs at the host owes
	// it. 0: no other job does.
	Gap time.Duration
	// Others says that another job waits for the host. The visit then ends soon.
	Others bool
}
