package recrawl

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// ThresholdSize is how many bytes a packed [Threshold] has.
const ThresholdSize = 8 * 8

// Threshold steers a job to its budget. One process at a time takes a Step, about every minute, and
// stores the result where all workers read it, such as in Redis, unless the threshold there has
// changed since the Step began. The zero value is for a job that has just begun: it holds nothing
// back.
//
// The budget covers all fetches of pages, of new ones and of known ones. The first Step solves for
// the threshold at which the known pages, as the [Histogram] has them, take what new pages leave.
// From then on, each Step keeps the number of known pages that are due at about what may be fetched
// in an hour: the histogram says how many more become due when the threshold falls. Where it is
// wrong, the next Step corrects it. Fetching too much or too little is made up for within hours.
type Threshold struct {
	Value float64 // κ: a known page is due when its value is at least this; from 0 to +Inf
	Again float64 // how many known pages may be fetched a day for now
	New   float64 // how many new pages may be fetched a day for now

	at    float64 // when the last step was, in unix seconds; 0 if there was none
	again float64 // known pages fetched until then
	new   float64 // new ones
	debt  float64 // fetches beyond the budget; negative if there were fewer
	empty float64 // for how many days hardly any known page was due
}

// Flow is what a job has done so far, as a [Threshold] needs it.
type Flow struct {
	At                time.Time
	Budget            float64 // fetches a day; with 0, no pages are fetched
	Shortest, Longest time.Duration
	Pages             Histogram // the known pages
	Waiting           int64     // new pages that wait for their first fetch
	Due               int64     // known pages that are due at the last threshold and were not fetched yet
	Again, New        int64     // fetches of known and of new pages since the job began
}

const (
	// backlog is how many known pages should be due and wait, in days of their budget.
	backlog = 1.0 / 24
	// filled and drained are in how many days a backlog that is too small or too large is
	// corrected. Draining takes longer, since pages that wait already must be fetched first.
	filled  = 1.0 / 144
	drained = 0.25
	// After each hasted days without due pages, the threshold falls twice as fast as before, up to
	// mostHaste times. Then the ages of pages are not spread evenly, for example after many new
	// pages at once, and the next due pages are farther off than the histogram says.
	hasted    = 0.5
	mostHaste = 16
	// For that, byChance pages must be missing: with a small budget, there is often no due page for
	// a while.
	byChance = 10
	// used is the part of the budget of known pages that must be used up before the threshold
	// rises. Pages that wait for other reasons, such as the delay of a host, must not raise it.
	used = 0.9
	// If more than the part mostDue of the known pages is due, the threshold falls no further,
	// although the budget is not used up: the hosts allow no more.
	mostDue = 0.1
	// farthest is the factor by which known pages may become due faster or slower than the
	// histogram says.
	farthest = 32
	// repaid is in how many days fetches beyond the budget, or missing ones, are made up for.
	repaid = 0.25
	// mostCredit is how much unused budget may be made up for, in days of it. fewPages more pages
	// may be, because with a small budget chance matters more.
	mostCredit = 0.25
	fewPages   = 5
	// mostDebt is how many fetches beyond the budget are made up for, in days of it.
	mostDebt = 1
	// fastest is how many times the budget known pages may take a day to make up for unused budget.
	fastest = 2
	// newShare is the part of the budget that new pages get if there are few of them.
	newShare = 0.25
	// oldShare is the part that known pages keep if there are very many new ones, up to a fetch
	// of each page in oldDays.
	oldShare = 0.25
	oldDays  = 30
)

// Step returns the threshold for the time that follows. If f.At is not after the last step, Step
// only starts to count from there, so a clock that jumps back does no harm. If a clock jumps ahead,
// at most a day counts.
func (t Threshold) Step(f Flow) Threshold {
	budget := f.Budget
	if !(budget > 0) || math.IsInf(budget, 0) {
		return Threshold{Value: math.Inf(1)}
	}
	days := t.since(f.At)
	allowed, fetched := t.Again*days, max(0, float64(f.Again)-t.again)
	t = t.account(f, budget, days)
	known, waiting := float64(f.Pages.Pages()), float64(max(0, f.Waiting))
	t.New = newPerDay(budget, known, waiting)
	t.Again = budget - min(t.New, waiting) - t.debt/repaid
	t.Again = max(0, min(t.Again, budget*fastest))

	p := plan{cells: f.Pages.cells(), in: bounds(f.Shortest, f.Longest), wanted: t.Again}
	if t.Value > 0 && !math.IsInf(t.Value, 0) {
		due := float64(max(0, f.Due))
		if t.empty += days; due > t.Again*backlog/2 {
			t.empty = 0
		}
		t.Value = p.moved(t.Value, p.correction(t, days, due, allowed, fetched))
	} else {
		t.Value = max(math.Exp(lowestThreshold), min(math.Exp(highestThreshold), p.at(t.Again)))
	}
	// New pages get the budget that the known pages cannot use at their shortest interval.
	if most := forecast(p.cells, 0, p.in).PerDay; most < t.Again {
		t.New = max(t.New, budget-t.debt/repaid-most)
	}
	return t
}

// plan is the known pages, and how many of them should be fetched.
type plan struct {
	cells  []cell
	in     interval
	wanted float64 // fetches a day
}

// at returns the threshold at which pages become due a number of times a day.
func (p plan) at(perDay float64) float64 {
	return solve(func(threshold float64) bool { return forecast(p.cells, threshold, p.in).PerDay >= perDay })
}

// moved returns the threshold moved by a change of its logarithm, unless moving it further makes no
// difference: when almost all pages have their shortest or their longest interval, or become due
// many times faster or slower than they should.
func (p plan) moved(threshold, by float64) float64 {
	const little = 0.01
	rate := func(threshold float64) float64 { return forecast(p.cells, threshold, p.in).PerDay }
	now := rate(threshold)
	if by < 0 && now > min(p.wanted*farthest, rate(0)*(1-little)) {
		return threshold
	}
	if by > 0 && now < max(p.wanted/farthest, rate(math.Exp(highestThreshold))*(1+little)) {
		return threshold
	}
	return max(math.Exp(lowestThreshold), min(math.Exp(highestThreshold), threshold*math.Exp(by)))
}

// correction returns by how much the logarithm of the threshold should change. In the given days,
// allowed known pages might be fetched, and fetched were. due is how many are due now.
func (p plan) correction(t Threshold, days, due, allowed, fetched float64) float64 {
	each := p.becomeDue(t.Value)
	excess := due - p.wanted*(days+backlog)
	switch {
	case excess < 0:
		return excess / each * min(1, days/filled) * p.haste(t.empty)
	case fetched >= used*allowed:
		return excess / each * min(1, days/max(drained, due/max(p.wanted, 1)))
	case due > mostDue*p.pages():
		return 0
	default:
		return (fetched - allowed) / each * min(1, days/drained)
	}
}

// haste returns how many times as fast the threshold falls after some days without due pages.
func (p plan) haste(empty float64) float64 {
	if !(p.wanted > 0) {
		return 1
	}
	return min(mostHaste, math.Exp2(math.Floor(empty/max(hasted, byChance/p.wanted))))
}

// pages returns how many pages there are.
func (p plan) pages() (sum float64) {
	for _, c := range p.cells {
		sum += c.pages
	}
	return sum
}

// becomeDue returns how many more pages are due if the logarithm of the threshold falls by 1. It
// assumes that the ages of pages are spread evenly over their intervals.
func (p plan) becomeDue(threshold float64) float64 {
	const by = 0.2
	var sum, pages float64
	for _, c := range p.cells {
		long := c.belief.gapOf(threshold/c.weight, p.in.shortest, p.in.longest)
		short := c.belief.gapOf(threshold/c.weight*math.Exp(-by), p.in.shortest, p.in.longest)
		sum += c.pages * math.Log(long/short) / by
		pages += c.pages
	}
	return max(1, sum, pages/20)
}

// newPerDay returns how many new pages may be fetched a day. Their share of the budget is their
// share of all pages, and at least a quarter. But known pages keep enough for a fetch each a month,
// up to a quarter.
func newPerDay(budget, known, waiting float64) float64 {
	n := newShare * budget
	if waiting > 0 {
		n = max(n, budget*waiting/(known+waiting))
	}
	return min(n, budget-min(oldShare*budget, known/oldDays))
}

// since returns the days since the last step: at most one, and 0 if there was none.
func (t Threshold) since(at time.Time) float64 {
	if t.at == 0 {
		return 0
	}
	return max(0, min(1, (unix(at)-t.at)/86400))
}

func unix(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

// account adds what happened in the days since the last step.
func (t Threshold) account(f Flow, budget, days float64) Threshold {
	again, fresh := float64(f.Again), float64(f.New)
	if days > 0 {
		t.debt += max(0, again-t.again) + max(0, fresh-t.new) - budget*days
		t.debt = max(-mostCredit*budget-fewPages, min(mostDebt*budget, t.debt))
	}
	t.at, t.again, t.new = unix(f.At), again, fresh
	return t
}

// fields lists all numbers in the order of the packed form.
func (t *Threshold) fields() [ThresholdSize / 8]*float64 {
	return [...]*float64{&t.Value, &t.Again, &t.New, &t.at, &t.again, &t.new, &t.debt, &t.empty}
}

// Append appends the packed form to b.
func (t Threshold) Append(b []byte) []byte {
	for _, v := range t.fields() {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(*v))
	}
	return b
}

// ParseThreshold reads a packed threshold, which must be all of b.
func ParseThreshold(b []byte) (Threshold, error) {
	if len(b) != ThresholdSize {
		return Threshold{}, fmt.Errorf("threshold: want %d bytes, got %d", ThresholdSize, len(b))
	}
	var t Threshold
	for i, v := range t.fields() {
		*v = math.Float64frombits(binary.BigEndian.Uint64(b[8*i:]))
		if math.IsNaN(*v) || (*v < 0 && v != &t.debt) || math.IsInf(*v, 0) && v != &t.Value {
			return Threshold{}, fmt.Errorf("threshold: number %d is %g, out of range", i, *v)
		}
	}
	return t, nil
}
