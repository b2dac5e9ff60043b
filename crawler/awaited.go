package crawler

import (
	"fmt"
	"strings"
	"time"
)

// Awaited is a writer whose output a job waits for before it ends: its files are
// not yet where they belong, or not finished.
type Awaited struct {
	Writer string    `json:"writer"` // unique in the job
	Until  time.Time `json:"until"`  // when the job stops waiting for it, by Redis's clock
	Reason string    `json:"reason"` // what is still to be done, and where
}

// String is what the job waits for, in a line.
func (a Awaited) String() string {
	return fmt.Sprintf("writer %s: %s (until %s)", a.Writer, a.Reason, a.Until.UTC().Format(time.TimeOnly))
}

// OutputPending says in a line what output a job with nothing left to fetch waits for;
// "" when it does not wait for any.
func (s Status) OutputPending(c Counters) string {
	if !s.Closing || s.State != StateRunning {
		return ""
	}
	var parts []string
	if c.Unshipped > 0 {
		parts = append(parts, fmt.Sprintf("%d records are on their way to the bucket", c.Unshipped))
	}
	for _, a := range s.Awaited {
		parts = append(parts, a.String())
	}
	if len(parts) == 0 {
		parts = append(parts, "the last of it has just arrived")
	}
	return "nothing is left to fetch; this job waits for its output: " + strings.Join(parts, "; ")
}
