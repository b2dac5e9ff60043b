package main

import (
	"math"

	"github.com/trawlcrawler/trawl/internal/recrawl"
)

// rates returns how often each page of a collection changes, a second, while it is measured and the
// page is known, and for how many seconds that is. Changes of one day count as one: they come in
// bursts, and a policy that took a burst for a rate would give up the page.
func (c collection) rates() (rates, known []float64) {
	_, from, to := c.span()
	rates, known = make([]float64, c.pages), make([]float64, c.pages)
	last := make([]int64, c.pages)
	begin := c.begin()
	for _, e := range c.events {
		if e.at < begin { // a page that is gone by then is not known
			known[e.page] = 0
			if e.kind != deleted {
				known[e.page] = float64(to - from)
			}
			continue
		}
		if known[e.page] == 0 {
			known[e.page] = float64(to - max(e.at, from) + 1)
		} else if e.at >= from && e.at-last[e.page] > int64(day) {
			rates[e.page]++
			last[e.page] = e.at
		}
	}
	for i := range rates {
		if known[i] > 0 {
			rates[i] /= known[i]
		}
	}
	return rates, known
}

// optimum returns the best interval of each page in seconds, +Inf for none, for a budget of one
// fetch of each page in the given number of days. It also returns how many page-days are stale with
// these intervals if pages change as Poisson processes.
func (c collection) optimum(days float64) (intervals []float64, staleDays float64) {
	rates, known := c.rates()
	budget := 0.0
	for _, e := range known {
		budget += e / (days * day)
	}
	fetches := func(threshold float64) (sum float64) {
		for i, r := range rates {
			if gap := recrawl.Interval(r, threshold); gap > 0 {
				sum += known[i] / gap
			}
		}
		return sum
	}
	low, high := 0.0, 40.0
	for range 50 {
		middle := (low + high) / 2
		if fetches(math.Exp(middle)) > budget {
			low = middle
		} else {
			high = middle
		}
	}
	intervals = make([]float64, c.pages)
	for i, r := range rates {
		intervals[i] = recrawl.Interval(r, math.Exp(high))
		x := r * intervals[i]
		switch {
		case math.IsInf(x, 0):
			staleDays += known[i] / day
		case x > 0:
			staleDays += known[i] / day * (1 + math.Expm1(-x)/x)
		}
	}
	return intervals, staleDays
}

// oracle fetches at the best intervals for the rates of the measured time.
type oracle struct {
	*agenda
	intervals []float64
}

func newOracle(c collection, days float64) *oracle {
	intervals, _ := c.optimum(days)
	return &oracle{newAgenda(c.pages), intervals}
}

func (o *oracle) found(page int, at int64) {
	if i := o.intervals[page]; !math.IsInf(i, 0) && !math.IsNaN(i) {
		// The first interval is shortened at random, so that fetches spread evenly.
		o.set(page, at+int64(i*chance(uint64(page))))
	}
}

func (o *oracle) announced(int, int64) {}
func (o *oracle) turn(int64, float64)  {}
func (o *oracle) choose(at int64) int  { return o.next(at) }

func (o *oracle) lost(int) {}

func (o *oracle) fetched(page int, at int64, _, _ bool) {
	o.set(page, at+int64(o.intervals[page]))
}
