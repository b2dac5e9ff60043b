package forecast

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Estimate says how long a job still takes.
type Estimate struct {
	// Least and Most are the bounds. Most is 0 if nothing bounds the crawl yet.
	Least, Most time.Duration
	// Known reports whether Least is known. It is not before the first pages.
	Known bool
	// Reason says in a clause where the bounds come from; "" if there is nothing to say.
	Reason string
}

// MarshalJSON writes the bounds in seconds, without those that are unknown.
func (e Estimate) MarshalJSON() ([]byte, error) {
	var v struct {
		Least  *float64 `json:"at_least_s,omitempty"`
		Most   *float64 `json:"at_most_s,omitempty"`
		Reason string   `json:"reason,omitempty"`
	}
	tenths := func(d time.Duration) *float64 {
		s := d.Round(100 * time.Millisecond).Seconds()
		return &s
	}
	if e.Known {
		v.Least = tenths(e.Least)
	}
	if e.Most > 0 {
		v.Most = tenths(e.Most)
	}
	v.Reason = e.Reason
	return json.Marshal(v)
}

// StaleSample is how old the last sample of a job may be for its speed to be current. An older
// one means that no scheduler runs the job.
const StaleSample = 10 * time.Second

// Samples and hosts that an estimate reads at most.
const (
	EstimateSamples = 300 // seconds
	EstimateHosts   = 128
)

// EstimateOf estimates how long a running job still takes. samples are its recent ones, the
// oldest first, and hosts those of its hosts whose URLs wait, as far as they are known: without
// most of them, there is no upper bound, because a single host may take the longest.
func EstimateOf(job crawler.Status, c crawler.Counters, samples []Sample, hosts []crawler.HostStatus) Estimate {
	return estimate(job, c, trendOf(samples), hosts)
}

// trend is how a job went recently.
type trend struct {
	slow, fast Pace // the slowest and the fastest of several periods
	growth     growth
}

// estimate combines what waits, what will be found, the hosts and the budgets.
func estimate(job crawler.Status, c crawler.Counters, t trend, hosts []crawler.HostStatus) Estimate {
	if !job.Job.Follow && job.Seeded {
		t.growth = growth{bounded: true}
	}
	e := pending(c, t, hosts)
	e.spend(job, c, t)
	e.Most = max(e.Most, 0)
	return e
}

// pending estimates how long the URLs take that wait or will be found.
func pending(c crawler.Counters, t trend, hosts []crawler.HostStatus) Estimate {
	known := float64(c.Waiting + c.Flight)
	e := Estimate{Most: -1}
	if t.fast.Settled > 0 {
		e.Known, e.Least = true, seconds(known/t.fast.Settled)
	}
	last, tail := slowestHost(hosts)
	if tail > 0 && tail >= e.Least {
		e.Known, e.Least = true, tail
		e.Reason = fmt.Sprintf("%s has %s at one every %s", last.Host, urls(last.Waiting), interval(last))
	}
	if !t.growth.bounded || t.slow.Settled <= 0 || !covers(hosts, c.Waiting) {
		if e.Reason == "" && t.growth.rising {
			e.Reason = "it finds more URLs than it fetches"
		}
		return e
	}
	grown := 1 + t.growth.most/max(1, known)
	rate := seconds(known * grown / t.slow.Settled)
	tail = last.Due + time.Duration(float64(last.Waiting)*grown*float64(last.Interval))
	if c.Ready > 0 { // hosts wait for workers: the slowest may be visited last (Graham's bound)
		rate += tail - tail/time.Duration(max(1, len(hosts)))
	}
	e.Most = max(rate, tail)
	if e.Reason == "" && t.growth.most >= 1 {
		e.Reason = fmt.Sprintf("up to %s more may be found", urls(int64(t.growth.most)))
	}
	return e
}

// spend applies the budgets of a job: the first that is spent ends it.
func (e *Estimate) spend(job crawler.Status, c crawler.Counters, t trend) {
	least := func(amount, perSecond float64, why string) {
		if d := seconds(amount / perSecond); perSecond > 0 && (!e.Known || d < e.Least) {
			e.Known, e.Least, e.Reason = true, d, why
		}
	}
	most := func(amount, perSecond float64) {
		if d := seconds(amount / perSecond); perSecond > 0 && (e.Most < 0 || d < e.Most) {
			e.Most = d
		}
	}
	if budget := job.Job.Pages; budget > 0 { // in case every URL turns out to be a page
		left := float64(budget - c.Pages())
		least(left, t.fast.Settled, "the budget of pages ends it")
		most(left, t.slow.Pages)
	}
	if budget := job.Job.PagesPerHost; budget > 0 { // URLs beyond the limit are skipped at once
		least(float64(budget*c.Hosts-c.Pages()), t.fast.Settled, "the budget of pages per host ends it")
	}
	if budget := job.Job.Bytes; budget > 0 {
		left := float64(int64(budget) - c.Bytes)
		least(left, t.fast.Bytes, "the budget of bytes ends it")
		most(left, t.slow.Bytes)
	}
	if budget := job.Job.Time; budget > 0 {
		left := (budget - job.Ran).Seconds()
		if e.Known {
			least(left, 1, "the budget of time ends it")
		}
		most(left, 1)
	}
}

// String formats an estimate: the least rounded down, the most up.
func (e Estimate) String() string {
	least, most := inUnits(e.Least, false), inUnits(e.Most, true)
	switch {
	case !e.Known && e.Most == 0:
		return "time left unknown"
	case !e.Known:
		return "at most " + most.String() + " left"
	case e.Most == 0 || most <= least:
		return "at least " + least.String() + " left"
	}
	return "at least " + least.String() + " left, at most " + most.String()
}

// Text formats an estimate with its reason.
func (e Estimate) Text() string {
	if e.Reason == "" {
		return e.String()
	}
	return e.String() + ": " + e.Reason
}

// Left describes how long a job still takes, and what ends it if that is decided already.
func Left(job crawler.Status, c crawler.Counters, e Estimate) string {
	switch {
	case job.Ending != "":
		if strings.HasPrefix(job.Ending, queue.StopPrefix) {
			return job.Ending + ": the last visits end"
		}
		return "budget of " + job.Ending + " spent: the last visits end"
	case c.Waiting+c.Flight == 0:
		return "nothing waits"
	}
	return e.String()
}

// seconds returns a duration, at most a hundred years.
func seconds(s float64) time.Duration {
	const century = 100 * 365 * 24 * time.Hour
	return time.Duration(min(max(0, s)*float64(time.Second), float64(century)))
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
