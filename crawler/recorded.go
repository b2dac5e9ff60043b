package crawler

import (
	"fmt"
	"strconv"
)

// Comparison is how many URLs of a job are settled and have a record of their own, and
// how many records the output has.
type Comparison struct {
	Settled int64 `json:"settled"`
	Records int64 `json:"records"`
}

// Missing is how many records the output lacks; 0 when it lacks none.
func (c Comparison) Missing() int64 { return max(0, c.Settled-c.Records) }

// String says in a line how the two differ: "settled 6,000, records 2,628: 3,372 missing".
func (c Comparison) String() string {
	text := fmt.Sprintf("settled %s, records %s: ", grouped(c.Settled), grouped(c.Records))
	if n := c.Missing(); n > 0 {
		return text + grouped(n) + " missing"
	}
	return text + "nothing is missing"
}

// Alarm says how the two differ and what brings the missing records again; "" when none
// is missing. job is what trawl job refetch takes: the name of a job, or the folder of a
// crawl.
func (c Comparison) Alarm(job string) string {
	if c.Missing() == 0 {
		return ""
	}
	return fmt.Sprintf("%v; `trawl job refetch %s` brings them again", c, job)
}

// Refetch is what is fetched again because its record was missing.
type Refetch struct {
	Named     int64 `json:"named"`     // URLs that are missing, and that seeds or records name
	Reread    int64 `json:"reread"`    // pages that may lead to others
	Forgotten int64 `json:"forgotten"` // URLs that are missing and are yet to be found again
}

// Compare compares what is settled with what is known of the output without reading it:
// records are missing that were lost with the disk of a worker.
func (c Counters) Compare() Comparison { return Comparison{c.Recorded(), c.Recorded() - c.Lost} }

// Expected is how many records the output has if nothing was lost: those that are on
// their way to a bucket are not in it yet.
func (c Counters) Expected() int64 { return c.Recorded() - c.Unshipped - c.OnDisk }

// Unfound is how many URLs that were settled and then forgotten, so that they are
// fetched again, were not found again; 0 while the job may still find them.
func (c Counters) Unfound() int64 {
	if !c.Idle() {
		return 0
	}
	return max(0, c.Known-c.Seen)
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
