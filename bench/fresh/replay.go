package main

import (
	"cmp"
	"math"
)

// policy decides which pages are fetched again.
type policy interface {
	// found is called for a page that was just fetched for the first time, or again after it was
	// gone.
	found(page int, at int64)
	// announced is called for a change that the site's sitemap announces, rightly or not.
	announced(page int, at int64)
	// choose returns the next page to fetch, or -1: none is due. It returns a page once, until
	// fetched is called for it. It is asked as long as the budget lasts.
	choose(at int64) int
	// fetched is called with the result of a fetch that it chose.
	fetched(page int, at int64, changed, gone bool)
	// lost is called for a page that a fetch found gone, and that must not be chosen again.
	lost(page int)
	// turn begins a tick of the clock. budget is how many fetches a day are allowed.
	turn(at int64, budget float64)
}

// result is the result of a policy.
type result struct {
	staleDays, pageDays float64 // while measured
	budget, fetches     float64
	stale               staleness
}

func (r *result) add(other result) {
	r.staleDays += other.staleDays
	r.pageDays += other.pageDays
	r.budget += other.budget
	r.fetches += other.fetches
}

// result is called at the end.
func (s *site) result(budget float64, fetches int) result {
	return result{
		staleDays: float64(s.stale.sum()) / 86400, pageDays: float64(s.all) / 86400, budget: budget,
		fetches: float64(fetches), stale: s.stale,
	}
}

// tick is the step of the clock, in seconds.
const tick = 6 * 3600

// begin returns when a replay begins: before the measured time, so that policies can learn. Older
// pages are found then.
func (c collection) begin() int64 {
	first, from, _ := c.span()
	return max(first, from-int64(cmp.Or(c.learning, learning).Seconds()))
}

// terms are the conditions under which a policy crawls.
type terms struct {
	days    float64 // the budget: a fetch of each known page once in this many days
	drops   bool    // pages that are gone are never asked for again
	signals announcer
	steers  bool // the policy keeps to the budget by itself, without the replay
	learns  bool // copies keep their age when measuring begins; otherwise all are up to date then
}

// replay lets a policy crawl a collection.
func replay(c collection, p policy, on terms) result {
	_, from, to := c.span()
	s := newSite(c.pages, from, on.drops)
	var r result
	var tokens float64
	next := 0
	begin := c.begin()
	for at := begin; at <= to; at += tick {
		for ; next < len(c.events) && c.events[next].at <= at; next++ {
			e := c.events[next]
			known := s.pages[e.page].known
			s.happen(e)
			switch {
			case e.at < begin: // found below, all at once
			case !known && e.kind != deleted:
				s.fetch(e.page, e.at)
				p.found(e.page, e.at)
			case on.signals.announces(e):
				s.list(e.page, e.at)
				s.hear(e.page, at)
				p.announced(e.page, at)
			}
		}
		if at == begin {
			for i := range s.pages {
				if s.pages[i].there && !s.pages[i].known {
					s.fetch(i, at)
					p.found(i, at)
				}
			}
		}
		if !on.learns && at-tick < from && at >= from {
			s.renew(from)
		}
		for _, page := range on.signals.mistaken(s, at) {
			p.announced(page, at)
		}
		budget := float64(s.known) / on.days
		p.turn(at, budget)
		tokens = min(tokens+budget*tick/86400, 2*budget+1)
		if at >= from {
			r.budget += budget * tick / 86400
		}
		for ; tokens >= 1 || on.steers; tokens-- {
			page := p.choose(at)
			if page < 0 {
				break
			}
			changed, gone := s.fetch(page, at)
			if gone && on.drops {
				p.lost(page)
			} else {
				p.fetched(page, at, changed, gone)
			}
		}
	}
	s.finish(to)
	return s.result(r.budget, s.fetches)
}

// announcer is a sitemap: a share of the changes is announced by a lastmod, and some lastmods are
// wrong. The zero value announces nothing.
type announcer struct {
	share    float64
	mistakes float64 // announcements a page and day without a change
}

// announces reports whether an event is announced. It is always the same for the same event.
func (a announcer) announces(e event) bool {
	return chance(uint64(e.page)<<32^uint64(e.at)) < a.share
}

// mistaken returns the pages whose lastmod is new although they have not changed.
func (a announcer) mistaken(s *site, at int64) []int {
	var all []int
	if a.mistakes == 0 {
		return nil
	}
	for i := range s.pages {
		if s.pages[i].known && chance(uint64(i)*0x9e3779b97f4a7c15^uint64(at)) < a.mistakes*tick/86400 {
			all = append(all, i)
		}
	}
	return all
}

// chance returns a number from 0 to 1 that looks random (the finalizer of SplitMix64).
func chance(x uint64) float64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) * math.Pow(2, -53)
}
