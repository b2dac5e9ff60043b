package main

import (
	"container/heap"
	"time"

	"github.com/trawlcrawler/trawl/internal/recrawl"
)

// trawl is a continuous job of Trawl, without its frontier: states, a prior, the histogram of the
// known pages and the threshold.
type trawl struct {
	*agenda
	states    []recrawl.State
	prior     recrawl.Prior
	signals   recrawl.Signals
	threshold recrawl.Threshold
	flow      recrawl.Flow
	queuedAt  float64 // the threshold by which the queue is sorted
	waiting   []int   // pages that are due
	waits     []bool
	left      float64 // fetches that the threshold still allows
}

func newTrawl(pages int) *trawl {
	return &trawl{
		agenda: newAgenda(pages), states: make([]recrawl.State, pages), waits: make([]bool, pages),
		flow: recrawl.Flow{
			Shortest: 10 * time.Minute, Longest: 365 * 24 * time.Hour, Pages: recrawl.Histogram{},
		},
	}
}

func (t *trawl) found(page int, at int64) {
	s := recrawl.State{}.Observe(time.Unix(at, 0), false, t.prior)
	t.states[page] = s
	t.flow.Pages[s.Cell()]++
	t.enqueue(page)
}

func (t *trawl) announced(page int, _ int64) {
	t.states[page] = t.states[page].Signal(t.signals.Precision())
	if !t.waits[page] && t.due[page] != never {
		t.enqueue(page)
	}
}

func (t *trawl) fetched(page int, at int64, changed, gone bool) {
	before, when := t.states[page], time.Unix(at, 0)
	t.flow.Pages[before.Cell()]--
	t.flow.Again++
	t.signals = t.signals.Observe(before.Flags.Has(recrawl.Signalled), changed)
	t.prior = t.prior.Learn(before, when, changed)
	s := before.Observe(when, changed, t.prior)
	s.Flags &^= recrawl.Gone
	if gone {
		s.Flags |= recrawl.Gone
	}
	t.states[page] = s
	t.flow.Pages[s.Cell()]++
	t.enqueue(page)
}

func (t *trawl) lost(page int) {
	t.flow.Pages[t.states[page].Cell()]--
	t.flow.Again++
	t.states[page] = recrawl.State{}
}

// enqueue schedules a look at a page somewhat before it is due, because the threshold moves.
func (t *trawl) enqueue(page int) {
	t.set(page, t.states[page].Due(t.queuedAt, t.flow.Shortest, t.flow.Longest).Unix())
}

func (t *trawl) turn(at int64, budget float64) {
	days := float64(tick) / 86400
	for _, page := range t.waiting { // the threshold has moved: look again
		t.waits[page] = false
		t.enqueue(page)
	}
	t.waiting = t.waiting[:0]
	t.look(at)
	t.flow.At, t.flow.Budget, t.flow.Due = time.Unix(at, 0), budget, int64(len(t.waiting))
	t.threshold = t.threshold.Step(t.flow)
	t.left = min(t.left, 1) + t.threshold.Again*days
	if v := t.threshold.Value; v < t.queuedAt || v > 2*t.queuedAt {
		t.queuedAt = v * 0.8
		t.entries = t.entries[:0]
		for page := range t.due {
			if t.due[page] != never {
				t.enqueue(page)
			}
		}
		heap.Init(t)
	}
	t.look(at)
}

// look finds the pages that are due.
func (t *trawl) look(at int64) {
	for page := t.next(at); page >= 0; page = t.next(at) {
		due := t.states[page].Due(t.threshold.Value, t.flow.Shortest, t.flow.Longest).Unix()
		if due > at {
			t.set(page, max(due-int64(0.1*float64(due-at)), at+1))
			continue
		}
		t.waiting = append(t.waiting, page)
		t.waits[page] = true
	}
}

func (t *trawl) choose(int64) int {
	if t.left < 1 || len(t.waiting) == 0 {
		return -1
	}
	t.left--
	page := t.waiting[0]
	t.waiting = t.waiting[1:]
	t.waits[page] = false
	return page
}
