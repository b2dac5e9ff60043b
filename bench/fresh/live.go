package main

import (
	"math"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// beforehand is how long before a replay the pages that exist at its beginning are fetched for the
// first time.
const beforehand = 3 * 24 * time.Hour

// looksEvery returns how often the scheduler looks, which divides a day: every hour, or up to six
// hours at a site that is so small that this is at most half of the time between two fetches. A visit
// may take at most the budget of an hour, or one fetch, so with longer intervals the budget could not
// be used up.
func looksEvery(pages int, days float64) time.Duration {
	apart := time.Duration(days / float64(pages) * float64(24*time.Hour))
	for _, every := range []time.Duration{6 * time.Hour, 4 * time.Hour, 3 * time.Hour, 2 * time.Hour} {
		if every <= apart/2 {
			return every
		}
	}
	return time.Hour
}

// live replays a collection to a fleet, in the bubble in which it is called.
func live(c collection, on terms) (result, log, error) {
	_, from, to := c.span()
	start := time.Now()
	clock := func() int64 { return c.begin() + max(0, int64((time.Since(start)-beforehand).Seconds())) }
	site := newWeb(c, on.signals, clock)
	op := &operator{site: site, days: on.days, step: looksEvery(c.pages, on.days), from: from, to: to, start: start}
	f, err := newFleet(job(c, on.signals != announcer{}), site, op.step)
	if err != nil {
		return result{}, log{}, err
	}
	op.fleet = f
	err = op.run()
	if failed := f.close(); err == nil {
		err = failed
	}
	site.site.finish(to)
	return site.site.result(op.budget, site.site.fetches+site.requests.sitemaps), site.requests, err
}

// job returns a continuous job that fetches nothing twice before its first pages are there.
func job(c collection, sitemaps bool) crawler.Job {
	j := crawler.DefaultJob()
	j.Name, j.Journal, j.Sitemaps = c.name, false, sitemaps
	j.Recrawl = crawler.Recrawl{
		Budget: crawler.FetchRate{Fetches: 1_000_000, Per: 24 * time.Hour}, Min: beforehand, Max: 365 * 24 * time.Hour,
	}
	return j
}

// operator brings new pages to a job, and sets its budget.
type operator struct {
	site     *web
	fleet    *fleet
	days     float64
	step     time.Duration // between two looks for new pages
	from, to int64
	start    time.Time

	owed   float64 // fetches a week by which the budget was rounded down so far
	known  int     // pages that were queued
	newly  int     // of these, those of the last day
	budget float64 // of fetches again, while measured
}

// run lets all time pass.
func (o *operator) run() error {
	for age := time.Duration(0); ; age += o.step {
		if urls := o.site.appeared(); len(urls) > 0 {
			o.known += len(urls)
			o.newly += len(urls)
			if err := o.fleet.admit(urls); err != nil {
				return err
			}
		}
		if age >= beforehand && age%(24*time.Hour) == 0 {
			if err := o.allow(); err != nil {
				return err
			}
		}
		if now := o.site.clock(); now >= o.to {
			return nil
		}
		time.Sleep(o.step)
	}
}

// allow gives the job the budget of a day: that of the policies, which know each page when it appears,
// plus the number of pages that have appeared since the day before.
func (o *operator) allow() error {
	perDay := float64(o.known) / o.days
	if now := o.site.clock(); now >= o.from {
		o.budget += perDay * float64(min(o.to-now, 86400)) / 86400
	}
	if o.fleet.job.Recrawl.Min > 0 {
		o.newly, o.fleet.job.Recrawl.Min = 0, 0 // it is the first day
	}
	o.owed += 7 * (perDay + float64(o.newly))
	o.newly = 0
	perWeek := max(1, math.Round(o.owed)) // of a small site, rounding would otherwise change the budget by some per cent
	o.owed -= perWeek
	return o.fleet.allow(int64(perWeek))
}
