package recrawl

import (
	"math"
	"time"
)

// signalHorizon is the time in seconds over which the fetch of a page that is known to be stale
// counts as a gain. Without a horizon, the gain would be infinite for a page that may never change
// again.
const signalHorizon = 365 * 86400

// Value returns the crawl value of the page at a time, in seconds of freshness weighted by its
// importance: at least 0, and never less at a later time. A page that was never fetched has the
// value 0: it is new, not due.
//
// The value of a page with a signal is at least what a fetch of a stale page gains, which is about
// μ/λ, times the reliability of the signal. So signals of a page that changes all the time are
// worth little.
func (s State) Value(at time.Time) float64 {
	v := s.belief().value(s.gap(at))
	if s.Last > 0 {
		v = max(v, s.signalValue())
	}
	return s.Weight() * v
}

func (s State) signalValue() float64 { return s.precision() * s.belief().value(signalHorizon) }

// Fresh returns the probability that the page at a time is still as it was when it was last
// fetched. It is 0 for a page that was never fetched. A signal lowers it by the signal's
// reliability.
func (s State) Fresh(at time.Time) float64 {
	if s.Last == 0 {
		return 0
	}
	return s.belief().fresh(s.gap(at)) * (1 - s.precision())
}

// Due returns the moment at which the crawl value passes a threshold ([Threshold.Value]), at least
// shortest and at most longest after the last fetch. A signal whose value passes the threshold
// makes the page due after the shortest time. With a threshold of 0 it is due after the shortest
// time as well, or when it may no longer be as it was ([State.Keep]); with +Inf, after the longest.
// A page that was never fetched is due at the zero unix time.
func (s State) Due(threshold float64, shortest, longest time.Duration) time.Time {
	if s.Last == 0 {
		return time.Unix(0, 0)
	}
	last := time.Unix(int64(s.Last), 0)
	shortest, longest = s.gaps(threshold, shortest, longest)
	gap := s.belief().gapOf(threshold/s.Weight(), shortest.Seconds(), longest.Seconds())
	return last.Add(max(shortest, min(longest, time.Duration(math.Ceil(gap*1e9)))))
}

// IsDue reports whether the page is due at a time. It is ten times as fast as [State.Due], and may
// differ from it by a ten-thousandth of the time since the last fetch.
func (s State) IsDue(threshold float64, shortest, longest time.Duration, at time.Time) bool {
	if s.Last == 0 {
		return true
	}
	gap := at.Sub(time.Unix(int64(s.Last), 0))
	shortest, longest = s.gaps(threshold, shortest, longest)
	switch {
	case gap < shortest:
		return false
	case gap >= longest || !(threshold > 0):
		return true
	}
	return s.belief().value(gap.Seconds())*s.Weight() >= threshold
}

// gaps returns the least and the greatest time after its last fetch at which the page may be due.
func (s State) gaps(threshold float64, shortest, longest time.Duration) (time.Duration, time.Duration) {
	shortest = max(shortest, time.Second)
	longest = max(longest, shortest)
	if s.precision() > 0 && s.Weight()*s.signalValue() >= threshold {
		return shortest, shortest
	}
	return max(shortest, min(s.Kept(), longest)), longest
}

// Interval returns the best interval, in seconds, of a page of importance 1 with a known change
// rate a second: the time after which its value reaches a threshold. It is +Inf for a rate of 0,
// and for one that is too fast to follow.
func Interval(rate, threshold float64) float64 {
	if !(rate > 0) || rate*threshold >= 1 {
		return math.Inf(1)
	}
	// x solves 1 - e^(-x)·(1+x) = rate·threshold.
	low, high := 0.0, 800.0
	for high-low > 1e-9*high {
		x := (low + high) / 2
		if -math.Expm1(-x)-x*math.Exp(-x) < rate*threshold {
			low = x
		} else {
			high = x
		}
	}
	return high / rate
}
