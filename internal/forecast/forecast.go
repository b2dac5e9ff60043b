// Package forecast says how fast a job is and how long it still takes, in the same words for
// the command line and the dashboard.
//
// A [Sample] is what a job had done at a point in time. A [Pace] is measured between samples.
package forecast

import (
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Sample is what a job had done at a point in time.
type Sample struct {
	At      time.Time
	Pages   int64 // pages fetched
	Settled int64 // URLs with a final outcome
	Bytes   int64 // bytes of the bodies fetched
	Failed  int64 // URLs that failed for good
}

// SampleOf returns the sample of a job's counters.
func SampleOf(at time.Time, c crawler.Counters) Sample {
	return Sample{at, c.Pages(), c.Settled(), c.Bytes, c.Failed()}
}

// History is what a job had done over time, the oldest sample first. Samples are missing for
// times in which the job did not run.
type History struct {
	Seconds []Sample // one for each second of the last five minutes
	Minutes []Sample // one for each minute of the last day
}

// Pace is the recent speed of a job. It is zero while unknown.
type Pace struct {
	Pages   float64 // per second
	Settled float64 // URLs per second
	Bytes   float64 // per second
}

// soonest is how long a crawl must have run before a single page is enough to estimate its
// speed.
const soonest = 5 * time.Second

// PaceOf measures the speed between the first sample in which anything was settled and the
// last. What came before was robots.txt and connections, and would make a crawl seem slow.
// It returns zero while there is nothing but the first pages, unless they took long.
func PaceOf(samples []Sample) Pace {
	if len(samples) == 0 {
		return Pace{}
	}
	begins := samples[0].Settled == 0
	for len(samples) > 2 && samples[1].Settled == samples[0].Settled {
		samples, begins = samples[1:], true
	}
	switch {
	case begins && len(samples) > 2:
		samples = samples[1:]
	case begins && samples[len(samples)-1].At.Sub(samples[0].At) < soonest:
		return Pace{}
	}
	first, last := samples[0], samples[len(samples)-1]
	seconds := last.At.Sub(first.At).Seconds()
	if seconds <= 0 {
		return Pace{}
	}
	return Pace{
		Pages:   float64(last.Pages-first.Pages) / seconds,
		Settled: float64(last.Settled-first.Settled) / seconds,
		Bytes:   float64(last.Bytes-first.Bytes) / seconds,
	}
}

// atLeast returns how long a crawl still takes if no more URLs are found and its speed
// stays the same: until nothing waits, or until the first of its budgets is spent. It
// returns false if that is not known. The duration is never negative.
func atLeast(job crawler.Status, c crawler.Counters, p Pace) (time.Duration, bool) {
	left, known := time.Duration(0), false
	bound := func(amount, perSecond float64) {
		if perSecond <= 0 {
			return
		}
		if d := time.Duration(max(0, amount) / perSecond * float64(time.Second)); !known || d < left {
			left, known = d, true
		}
	}
	bound(float64(c.Waiting+c.Flight), p.Settled)
	if job.Job.Pages > 0 { // in case every URL turns out to be a page
		bound(float64(job.Job.Pages-c.Pages()), p.Settled)
	}
	if job.Job.PagesPerHost > 0 { // URLs beyond the limit are skipped at once
		bound(float64(job.Job.PagesPerHost*c.Hosts-c.Pages()), p.Settled)
	}
	if job.Job.Bytes > 0 {
		bound(float64(int64(job.Job.Bytes)-c.Bytes), p.Bytes)
	}
	if job.Job.Time > 0 && known {
		bound((job.Job.Time - job.Ran).Seconds(), 1)
	}
	return left, known
}

// atMost returns the longest that a crawl still takes if its speed stays the same: until
// the first of its budgets is spent, however many URLs are found, or, if no more can be
// found, until none waits. It returns false if that is not known, or if nothing bounds the
// crawl.
func atMost(job crawler.Status, c crawler.Counters, p Pace) (time.Duration, bool) {
	most, known := time.Duration(0), false
	bound := func(amount, perSecond float64) {
		if perSecond <= 0 {
			return
		}
		if d := time.Duration(max(0, amount) / perSecond * float64(time.Second)); !known || d < most {
			most, known = d, true
		}
	}
	if job.Job.Pages > 0 {
		bound(float64(job.Job.Pages-c.Pages()), p.Pages)
	}
	if job.Job.Bytes > 0 {
		bound(float64(int64(job.Job.Bytes)-c.Bytes), p.Bytes)
	}
	if job.Job.Time > 0 {
		bound((job.Job.Time - job.Ran).Seconds(), 1)
	}
	if !job.Job.Follow && job.Seeded {
		bound(float64(c.Waiting+c.Flight), p.Settled)
	}
	return most, known
}

// Left describes how long the known URLs and the budgets last: "at least", because more
// URLs may be found, and "at most" if budgets limit it. The first is rounded down, the
// second up.
func Left(job crawler.Status, c crawler.Counters, p Pace) string {
	switch {
	case job.Ending != "":
		if strings.HasPrefix(job.Ending, queue.StopPrefix) {
			return job.Ending + ": the last visits end"
		}
		return "budget of " + job.Ending + " spent: the last visits end"
	case c.Waiting+c.Flight == 0:
		return "nothing waits"
	}
	least, known := atLeast(job, c, p)
	most, bounded := atMost(job, c, p)
	switch {
	case !known && !bounded:
		return "time left unknown"
	case !known:
		return "at most " + inUnits(most, true).String() + " left"
	case !bounded || inUnits(most, true) <= inUnits(least, false):
		return "at least " + inUnits(least, false).String() + " left"
	}
	return "at least " + inUnits(least, false).String() + " left, at most " + inUnits(most, true).String()
}

// inUnits rounds a duration to seconds, or to minutes if it is longer than ten minutes.
func inUnits(d time.Duration, up bool) time.Duration {
	unit := time.Second
	if d > 10*time.Minute {
		unit = time.Minute
	}
	if up {
		d += unit - 1
	}
	return d.Truncate(unit)
}
