package main

import "container/heap"

// agenda has pages by when they are due.
type agenda struct {
	entries []entry
	due     []int64 // by page; an entry counts only if it agrees with this
}

type entry struct {
	page int
	due  int64
}

const never = -1

func newAgenda(pages int) *agenda {
	a := &agenda{due: make([]int64, pages)}
	for i := range a.due {
		a.due[i] = never
	}
	return a
}

func (a *agenda) Len() int           { return len(a.entries) }
func (a *agenda) Less(i, j int) bool { return a.entries[i].due < a.entries[j].due }
func (a *agenda) Swap(i, j int)      { a.entries[i], a.entries[j] = a.entries[j], a.entries[i] }
func (a *agenda) Push(x any)         { a.entries = append(a.entries, x.(entry)) }
func (a *agenda) Pop() any {
	last := a.entries[len(a.entries)-1]
	a.entries = a.entries[:len(a.entries)-1]
	return last
}

// set says when a page is due, or that it never is.
func (a *agenda) set(page int, due int64) {
	a.due[page] = due
	if due != never {
		heap.Push(a, entry{page, due})
	}
}

// next takes the page that is due first, or returns -1 if none is due yet.
func (a *agenda) next(at int64) int {
	for len(a.entries) > 0 && a.entries[0].due <= at {
		e := heap.Pop(a).(entry)
		if a.due[e.page] == e.due {
			a.due[e.page] = never
			return e.page
		}
	}
	return -1
}

// uniform fetches all pages in turn.
type uniform struct {
	*agenda
	fetches int64
}

func (u *uniform) found(page int, _ int64)              { u.last(page) }
func (u *uniform) announced(int, int64)                 {}
func (u *uniform) choose(int64) int                     { return u.next(u.fetches) }
func (u *uniform) turn(int64, float64)                  {}
func (u *uniform) fetched(page int, _ int64, _, _ bool) { u.last(page) }
func (u *uniform) lost(int)                             {}

// last puts a page behind all others.
func (u *uniform) last(page int) {
	u.fetches++
	u.set(page, u.fetches)
}

// adaptive has an interval for each page, which grows by a factor when a fetch finds no change and
// shrinks by another when it finds one. It does not know the budget: if more pages are due, they
// wait in the order in which they became due.
type adaptive struct {
	*agenda
	interval          []float64 // seconds
	first             float64
	shortest, longest float64
	unchanged, change float64 // factors
	gone              float64 // the factor for a page that is gone; 0 if it is not fetched again
}

func (a *adaptive) found(page int, at int64) {
	a.interval[page] = max(a.shortest, min(a.longest, a.first))
	a.set(page, at+int64(a.interval[page]))
}

func (a *adaptive) announced(int, int64) {}
func (a *adaptive) turn(int64, float64)  {}

func (a *adaptive) choose(at int64) int { return a.next(at) }

func (a *adaptive) lost(int) {}

func (a *adaptive) fetched(page int, at int64, changed, gone bool) {
	f := a.unchanged
	switch {
	case gone && a.gone == 0:
		return
	case gone:
		f = a.gone
	case changed:
		f = a.change
	}
	a.interval[page] = max(a.shortest, min(a.longest, a.interval[page]*f))
	a.set(page, at+int64(a.interval[page]))
}

const (
	hour = 3600.0
	day  = 24 * hour
)

// newNutch returns the rule of Nutch's AdaptiveFetchSchedule, with the factors and bounds of its
// nutch-default.xml: db.fetch.schedule.adaptive.inc_rate, dec_rate, min_interval, max_interval. The interval of a page
// that is gone grows by half.
func newNutch(pages int, first float64) *adaptive {
	return &adaptive{newAgenda(pages), make([]float64, pages), first, 60, 365 * day, 1.4, 0.8, 1.5}
}

// newStormCrawler returns the rule of StormCrawler's AdaptiveScheduler with its defaults:
// scheduler.adaptive.fetchInterval.rate.incr, rate.decr, min, max. A page that is gone is not fetched
// again (fetchInterval.error).
func newStormCrawler(pages int, first float64) *adaptive {
	return &adaptive{newAgenda(pages), make([]float64, pages), first, hour, 14 * day, 1.5, 0.5, 0}
}
