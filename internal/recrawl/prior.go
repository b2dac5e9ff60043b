package recrawl

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// PriorSize is how many bytes a packed [Prior] has.
const PriorSize = 8

// Prior is what is known of the change rates of the pages of one URL pattern. The zero value knows
// nothing of them, and stands for one change in sixty days. Priors of several workers are added up
// by Merge, in any order.
type Prior struct {
	Changes float32 // changes that were seen, as far as they still count
	Days    float32 // page-days in which they were seen

	whole float32 // changes a day in the whole that the pattern is part of; 0 if nothing is known of it
}

const (
	// priorShape is the shape of a prior about which much is known: how alike the pages of a
	// pattern are. Most pages hardly ever change and few change often, whatever their pattern.
	priorShape = 1
	// usualDays is the average number of days between changes of a page about which nothing is
	// known.
	usualDays = 60
	// priorWeight is how many changes the usual rate counts as, besides those that were seen.
	priorWeight = 0.5
	// wholeWeight is the same for the rate of the whole that a pattern is part of.
	wholeWeight = 2
	// priorMemory is how many changes a prior remembers; each further one makes it forget others.
	priorMemory = 1000
	// priorDays is the same in page-days, for patterns that do not change.
	priorDays = 1e6
)

// Learn returns the prior after a page was fetched at a time and found changed or not. before is
// the state before the fetch. A first fetch teaches nothing.
func (p Prior) Learn(before State, at time.Time, changed bool) Prior {
	gap := before.gap(at)
	if gap == 0 {
		return p.bounded()
	}
	next := p
	next.Days += float32(gap / 86400)
	if changed {
		next.Changes += float32(before.before(at, p).expectedChanges(gap))
	}
	return next.bounded()
}

// expectedChanges returns the expected number of changes in a gap in which there was at least one.
func (b belief) expectedChanges(gap float64) float64 {
	stale := 1 - b.fresh(gap)
	n := b.mean() * gap
	if !(stale > 1e-12) {
		return 1
	}
	return max(1, n/stale)
}

// Merge returns the prior that has learned from the pages of both.
func (p Prior) Merge(other Prior) Prior {
	p.Changes += other.Changes
	p.Days += other.Days
	return p.bounded()
}

// Within returns the prior of a pattern that is part of a larger whole, such as a host: the rate of
// the whole counts as two changes, so it matters where little is known of the pattern. Use the
// result for [State.Observe]; do not store it.
func (p Prior) Within(whole Prior) Prior {
	p.whole = float32(whole.bounded().perDay())
	return p
}

// bounded returns the prior without the oldest of more changes or days than it remembers; the zero
// prior if its numbers are not valid.
func (p Prior) bounded() Prior {
	if !p.valid() {
		return Prior{}
	}
	if f := min(priorMemory/p.Changes, priorDays/p.Days); f < 1 {
		p.Changes *= f
		p.Days *= f
	}
	return p
}

func (p Prior) valid() bool {
	return p.Changes >= 0 && p.Days >= 0 && !math.IsInf(float64(p.Changes), 0) && !math.IsInf(float64(p.Days), 0)
}

func (p Prior) perDay() float64 {
	say, days := p.background()
	return (float64(p.Changes) + say) / (float64(p.Days) + days)
}

// background returns the changes and days that count as if they had been seen.
func (p Prior) background() (changes, days float64) {
	if p.whole > 0 {
		return wholeWeight, wholeWeight / float64(p.whole)
	}
	return priorWeight, priorWeight * usualDays
}

// belief returns what is known of a page of the pattern that was not fetched twice. Its relative
// variance combines that of the pages with that of the mean rate, which is large while few changes
// were seen.
func (p Prior) belief() belief {
	p = p.bounded()
	say, _ := p.background()
	variance := 1/priorShape + (1+1/priorShape)/(float64(p.Changes)+say)
	return belief{shape: 1 / variance, scale: 86400 / (variance * p.perDay())}
}

// Append appends the packed form to b.
func (p Prior) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, math.Float32bits(p.Changes))
	return binary.BigEndian.AppendUint32(b, math.Float32bits(p.Days))
}

// ParsePrior reads a packed prior, which must be all of b.
func ParsePrior(b []byte) (Prior, error) {
	if len(b) != PriorSize {
		return Prior{}, fmt.Errorf("prior of a URL pattern: want %d bytes, got %d", PriorSize, len(b))
	}
	p := Prior{
		Changes: math.Float32frombits(binary.BigEndian.Uint32(b)),
		Days:    math.Float32frombits(binary.BigEndian.Uint32(b[4:])),
	}
	if !p.valid() {
		return Prior{}, fmt.Errorf("prior of a URL pattern: %g changes in %g page-days are out of range",
			p.Changes, p.Days)
	}
	return p.bounded(), nil
}
