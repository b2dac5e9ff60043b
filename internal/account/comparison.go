// Package account compares the records that a job should have with those that its output has.
//
// A [Comparison] says how many are missing, and what to do. [Compare] and [Expected] follow from
// the counters of a job, which know what was settled; the number of records that there are is
// known where the output is read.
package account

import (
	"fmt"
	"strconv"

	"github.com/trawlcrawler/trawl/crawler"
)

// Comparison compares how many settled URLs of a job have a record of their own with how
// many records the output has.
type Comparison struct {
	Settled int64 `json:"settled"`
	Records int64 `json:"records"`
}

// Missing returns how many records the output lacks; 0 if none.
func (c Comparison) Missing() int64 { return max(0, c.Settled-c.Records) }

// String describes the difference in one line: "settled 6,000, records 2,628: 3,372
// missing".
func (c Comparison) String() string {
	text := fmt.Sprintf("settled %s, records %s: ", grouped(c.Settled), grouped(c.Records))
	if n := c.Missing(); n > 0 {
		return text + grouped(n) + " missing"
	}
	return text + "nothing is missing"
}

// Alarm describes the difference and says how to fetch the missing records again; "" if
// none is missing. job is the argument for trawl job refetch: the name of a job, or the
// folder of a crawl.
func (c Comparison) Alarm(job string) string {
	if c.Missing() == 0 {
		return ""
	}
	return fmt.Sprintf("%v; run `trawl job refetch %s` to fetch them again", c, job)
}

// Compare compares what is settled with what is known about the output without reading it:
// the records that were lost with the disk of a worker are missing.
func Compare(c crawler.Counters) Comparison { return Comparison{c.Recorded(), c.Recorded() - c.Lost} }

// Expected returns how many records the output has if nothing was lost. Records on their
// way to a bucket are not in it yet.
func Expected(c crawler.Counters) int64 { return c.Recorded() - c.Unshipped - c.OnDisk }

// Unfound returns how many settled URLs that were forgotten, in order to fetch them again,
// were not found again. It returns 0 while the job may still find them.
func Unfound(c crawler.Counters) int64 {
	if !c.Idle() {
		return 0
	}
	return max(0, c.Known-c.Seen)
}

// grouped formats a number with commas between thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
