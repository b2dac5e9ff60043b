// Package forecast says how fast a job is and how long it still takes, in the same words for
// the command line and the dashboard.
//
// A [Sample] is what a job had done at a point in time. A [Pace] is measured between samples.
package forecast

import (
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Sample is what a job had done at a point in time.
type Sample struct {
	At      time.Time
	Pages   int64 // pages fetched
	Settled int64 // URLs with a final outcome
	Bytes   int64 // bytes of the bodies fetched
	Failed  int64 // URLs that failed for good
	Seen    int64 // URLs found, seeds included; 0 in samples of earlier versions
}

// SampleOf returns the sample of a job's counters.
func SampleOf(at time.Time, c crawler.Counters) Sample {
	return Sample{at, c.Pages(), c.Settled(), c.Bytes, c.Failed(), c.Seen}
}

// History is what a job had done over time, the oldest sample first. Samples are missing for
// times in which the job did not run.
type History struct {
	Seconds []Sample // one for each second of the last hour
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
