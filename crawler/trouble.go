package crawler

import (
	"fmt"
	"time"
)

// Trouble is why results of a job do not come to where they belong on one worker:
// its disk is full, or its bucket is away. The worker takes no pages that it can
// not keep, others do, and it goes on by itself when that is mended.
type Trouble struct {
	Worker string    `json:"worker"`
	Since  time.Time `json:"since"`  // by Redis's clock
	At     time.Time `json:"at"`     // when the worker last said so
	Reason string    `json:"reason"` // what is wrong, where, and what to do
}

// String is the trouble in a line, but for when it began.
func (t Trouble) String() string {
	return fmt.Sprintf("worker %s: %s; it goes on by itself when that is mended", t.Worker, t.Reason)
}
