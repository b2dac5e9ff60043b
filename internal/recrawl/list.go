package recrawl

import (
	"math"
	"time"
)

// This file has the states of lists: sitemaps and feeds, which announce changes of other pages. Such a
// page is not up to date or stale as a whole. Each page that it announces waits until the list is
// read, so what a fetch gains grows with the square of the time, without bound. If ν pages a second
// are announced, intervals of √(2κ/ν) take the least from other fetches and leave the least
// waiting.
//
// A state describes a list as a page that changes once in listTime, which is rarely, and whose
// importance is the number of pages that it announces in that time. Knowledge is how much is known
// of that number.

// listTime is how often, in seconds, a list changes as a page. At intervals far below it, the value
// of that page is the value of the list. A list that announces nothing worth a fetch is read as
// often as it asks for.
const listTime = 60 * 86400

// listRate is the packed rate of a list.
var listRate = int8(math.Round((-math.Log(listTime) - rateCentre) * rateSteps))

// firstShape is how much is known of a list that was read once.
const firstShape = 0.5

// ObserveList returns the state of a list after it was read at a time. announced is how many pages
// it made due, each weighted by the share of its site's announcements that are right; pages is how
// many it lists. Until it has been read twice, it is assumed to announce half of its pages in
// usualDays. ObserveList leaves Content and the flags to the caller.
func (s State) ObserveList(at time.Time, announced float64, pages int) State {
	first := belief{shape: firstShape, scale: firstShape * usualDays * 86400 / (0.5 * max(1, float64(pages)))}
	b := first
	if gap := s.gap(at); gap > 0 {
		b = belief{shape: s.belief().shape}
		b.scale = b.shape * listTime / math.Exp(float64(int8(s.Importance))/importanceSteps)
		b = b.aged(gap, first)
		b = belief{shape: b.shape + max(0, announced), scale: b.scale + gap}
	}
	next, dither := s, s.dither(at)
	next.Last = seconds(at)
	next.store(b, dither)
	next.Rate = listRate
	steps := math.Log(b.mean()*listTime) * importanceSteps
	next.Importance = uint8(int8(round(steps, math.MinInt8, math.MaxInt8, dither>>16)))
	return next
}
