package main

import (
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// pace is how fast a crawl has gone lately.
type pace struct {
	pages   float64 // a second
	settled float64 // URLs a second
	bytes   float64 // a second
}

// paceOf measures between the first sample by which anything was settled and the last: what
// came before was robots.txt and connections, and would make a crawl seem slow.
func paceOf(samples []sample) pace {
	for len(samples) > 2 && samples[1].settled == samples[0].settled {
		samples = samples[1:]
	}
	first, last := samples[0], samples[len(samples)-1]
	seconds := last.at.Sub(first.at).Seconds()
	if seconds <= 0 {
		return pace{}
	}
	return pace{
		pages:   float64(last.pages-first.pages) / seconds,
		settled: float64(last.settled-first.settled) / seconds,
		bytes:   float64(last.bytes-first.bytes) / seconds,
	}
}

// atLeast is how long a crawl goes on if no more URLs are found and it goes on as fast: until
// nothing waits, or until the first of its budgets is spent. It reports false while that is
// not known. Its result is not negative.
func atLeast(job crawler.Status, c crawler.Counters, p pace) (time.Duration, bool) {
	left, known := time.Duration(0), false
	bound := func(amount, perSecond float64) {
		if perSecond <= 0 {
			return
		}
		if d := time.Duration(max(0, amount) / perSecond * float64(time.Second)); !known || d < left {
			left, known = d, true
		}
	}
	bound(float64(c.Waiting+c.Flight), p.settled)
	if job.Job.Pages > 0 { // if all that is asked for is a page
		bound(float64(job.Job.Pages-c.Pages()), p.settled)
	}
	if job.Job.PagesPerHost > 0 { // what waits beyond it is left out at once
		bound(float64(job.Job.PagesPerHost*c.Hosts-c.Pages()), p.settled)
	}
	if job.Job.Bytes > 0 {
		bound(float64(int64(job.Job.Bytes)-c.Bytes), p.bytes)
	}
	if job.Job.Time > 0 && known {
		bound((time.Duration(job.Job.Time) - job.Ran).Seconds(), 1)
	}
	return left, known
}

// leftText says for how long the known URLs and the budgets suffice. More URLs may be found,
// so it says "at least", and rounds down.
func leftText(job crawler.Status, c crawler.Counters, p pace) string {
	switch {
	case job.Ending != "":
		return "budget of " + job.Ending + " spent: the last visits end"
	case c.Waiting+c.Flight == 0:
		return "nothing waits"
	}
	left, known := atLeast(job, c, p)
	if !known {
		return "time left unknown"
	}
	if left > 10*time.Minute {
		left = left.Truncate(time.Minute)
	}
	return "at least " + left.Truncate(time.Second).String() + " left"
}
