package recrawl

import "math"

// belief is what is known of a change rate: a gamma distribution.
type belief struct {
	shape float64 // how much is known; both are positive
	scale float64 // seconds: the inverse scale
}

// memory is how long, in seconds, an observation of a page counts. A page changes more often at
// some times than at others, so older observations say less.
const memory = 2 * 365 * 86400

func (b belief) mean() float64 { return b.shape / b.scale }

// aged returns what is left of the belief after a time in seconds: it goes back to the prior.
func (b belief) aged(gap float64, prior belief) belief {
	keep := math.Exp(-gap / memory)
	return belief{
		shape: keep*b.shape + (1-keep)*prior.shape,
		scale: keep*b.scale + (1-keep)*prior.scale,
	}
}

// unchanged returns the belief after a gap in which nothing changed: the conjugate update.
func (b belief) unchanged(gap float64) belief { return belief{b.shape, b.scale + gap} }

// changedAt returns the belief after a gap at whose end a change was seen.
func (b belief) changedAt(gap float64) belief { return belief{b.shape + 1, b.scale + gap} }

// changedWithin returns the belief after a gap in which the page changed at least once. The exact
// distribution is a difference of two gamma distributions; the result is the gamma distribution of
// the same mean and variance.
func (b belief) changedWithin(gap float64) belief {
	l := math.Log1p(gap / b.scale)
	if !(l > 0) {
		return b
	}
	// The share of the distribution, and of its first two moments, that the change leaves.
	none := -math.Expm1(-b.shape * l)
	first := -math.Expm1(-(b.shape+1)*l) / none
	second := -math.Expm1(-(b.shape+2)*l) / none
	mean := b.shape / b.scale * first
	square := b.shape * (b.shape + 1) / (b.scale * b.scale) * second
	variance := square - mean*mean
	if !(variance > 0) || math.IsInf(mean, 0) {
		return b
	}
	return belief{shape: mean * mean / variance, scale: mean / variance}
}

// atLeast returns the belief with a mean that is not below a rate.
func (b belief) atLeast(rate float64) belief {
	return belief{b.shape, min(b.scale, b.shape/rate)}
}

// fresh returns the probability that a page did not change within a gap in seconds.
func (b belief) fresh(gap float64) float64 { return math.Exp(-b.shape * math.Log1p(gap/b.scale)) }

// freshTime returns how many seconds of a gap the page is expected to be fresh.
func (b belief) freshTime(gap float64) float64 {
	l := math.Log1p(gap / b.scale)
	d := b.shape - 1
	if math.Abs(d*l) < 1e-9 {
		return b.scale * l
	}
	return b.scale * -math.Expm1(-d*l) / d
}

// value returns the crawl value of a page of importance 1 after a gap in seconds: the integral of
// t by the distribution of the first change, from 0 to the gap. It grows with the gap.
func (b belief) value(gap float64) float64 {
	x := gap / b.scale
	if x*(1+b.shape) < 1e-3 { // the difference below would cancel
		return b.scale * b.shape * x * x * (0.5 - (b.shape+1)*x/3)
	}
	return max(0, b.freshTime(gap)-gap*b.fresh(gap))
}

// gapOf returns the gap in seconds, from shortest to longest, at which the value reaches a
// threshold; longest if no gap does.
func (b belief) gapOf(threshold, shortest, longest float64) float64 {
	low, high := math.Log(shortest), math.Log(longest)
	over := func(logGap float64) float64 {
		return math.Log(b.value(math.Exp(logGap)) / threshold)
	}
	if !(threshold > 0) || !(shortest < longest) {
		return shortest
	}
	atLow, atHigh := over(low), over(high)
	if atLow >= 0 {
		return shortest
	}
	if !(atHigh > 0) {
		return longest
	}
	if math.IsInf(atLow, -1) {
		atLow = -700
	}
	// Illinois' false position: on logarithms the value is almost a line, of a slope from 0 to 2.
	for side := 0; high-low > 1e-4; {
		at := low + (high-low)*atLow/(atLow-atHigh)
		at = max(low+(high-low)/64, min(high-(high-low)/64, at))
		now := over(at)
		if math.Abs(now) < 1e-6 {
			return math.Exp(at)
		}
		if now < 0 {
			low, atLow = at, now
			if side == -1 {
				atHigh /= 2
			}
			side = -1
			continue
		}
		high, atHigh = at, now
		if side == 1 {
			atLow /= 2
		}
		side = 1
	}
	return math.Exp(high)
}
