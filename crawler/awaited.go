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

// OpenFiles begins the reason of a writer that has files open in a folder, whose name
// follows.
const OpenFiles = "it has files open in "

// Left says which writers left files that nobody has finished; "" for none.
func (s Status) Left() string {
	var parts []string
	for _, a := range s.Unfinished {
		parts = append(parts, fmt.Sprintf("worker %s left unfinished files in %s", a.Writer, strings.TrimPrefix(a.Reason, OpenFiles)))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + ": any worker that shares the folder finishes them, and trawl export reads them as they are"
}

// OutputPending says in a line what output a job with nothing left to fetch waits for, or
// what of it nobody has finished; "" when there is nothing.
func (s Status) OutputPending(c Counters) string {
	if !s.Closing || s.State != StateRunning {
		return s.Left()
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
