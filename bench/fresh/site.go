package main

import "fmt"

// copyOf is a page of the site, and the crawler's copy of it.
type copyOf struct {
	there   bool  // the page exists
	known   bool  // the crawler knows of the page, and asks for it again
	version int   // how often the page has changed, appeared or gone
	has     int   // the version that the crawler has
	since   int64 // since when the copy is stale, if it is

	// Since when the sitemap has announced a change that was not fetched, and when the crawler heard of
	// that; 0 if not.
	listed, heard int64
}

func (c *copyOf) stale() bool { return c.known && c.has != c.version }

// staleness is for how many page-seconds of the measured time copies were stale.
type staleness struct {
	untold  int64 // while the sitemap did not say so
	unheard int64 // from then on until the crawler heard of it
	due     int64 // after that
}

func (s staleness) sum() int64 { return s.untold + s.unheard + s.due }

// String says which part of the time the sitemap could have saved.
func (s staleness) String() string {
	days := func(seconds int64) float64 { return float64(seconds) / day }
	return fmt.Sprintf("stale page-days: %.0f untold, %.0f until the sitemap was read, %.0f until the fetch", days(s.untold),
		days(s.unheard), days(s.due))
}

// site is a collection under replay, with a log of how long each page was stale.
type site struct {
	pages   []copyOf
	drops   bool  // the crawler never asks again for pages that are gone
	from    int64 // when measuring begins
	known   int   // pages that the crawler knows of
	counted int64 // until when the seconds of known pages are counted
	all     int64 // page-seconds
	stale   staleness
	fetches int // again, while measured
}

func newSite(pages int, from int64, drops bool) *site {
	return &site{pages: make([]copyOf, pages), from: from, counted: from, drops: drops}
}

// advance counts the time until at.
func (s *site) advance(at int64) {
	if at > s.counted {
		s.all += int64(s.known) * (at - s.counted)
		s.counted = at
	}
}

// happen changes a page.
func (s *site) happen(e event) {
	p := &s.pages[e.page]
	was := p.stale()
	p.there = e.kind != deleted
	p.version++
	if p.stale() && !was {
		p.since = e.at
	}
}

// fetch brings the crawler's copy up to date, and returns what has changed.
func (s *site) fetch(page int, at int64) (changed, gone bool) {
	s.advance(at)
	p := &s.pages[page]
	s.settle(p, at)
	changed, gone = p.stale(), !p.there
	if p.known && at >= s.from {
		s.fetches++
	}
	if known := p.there || !s.drops; known != p.known {
		p.known = known
		if known {
			s.known++
		} else {
			s.known--
		}
	}
	p.has, p.listed, p.heard = p.version, 0, 0
	return changed, gone
}

// list is called when the sitemap announces a change.
func (s *site) list(page int, at int64) {
	if p := &s.pages[page]; p.listed == 0 {
		p.listed = at
	}
}

// hear is called when the crawler hears what the sitemap announces of a page.
func (s *site) hear(page int, at int64) {
	if p := &s.pages[page]; p.listed > 0 && p.heard == 0 {
		p.heard = at
	}
}

// renew brings all copies up to date.
func (s *site) renew(at int64) {
	for i := range s.pages {
		s.settle(&s.pages[i], at)
		s.pages[i].has = s.pages[i].version
	}
}

// settle counts the time that a copy was stale until now.
func (s *site) settle(p *copyOf, at int64) {
	if p.stale() {
		began, now := max(p.since, s.from), max(at, s.from)
		listed := max(began, sooner(p.listed, now))
		heard := max(listed, sooner(p.heard, now))
		s.stale.untold += listed - began
		s.stale.unheard += heard - listed
		s.stale.due += now - heard
		p.since = at
	}
}

// sooner returns when something happened, if it did, or now.
func sooner(happened, now int64) int64 {
	if happened == 0 || happened > now {
		return now
	}
	return happened
}

// finish counts the pages that are stale at the end.
func (s *site) finish(at int64) {
	s.advance(at)
	for i := range s.pages {
		s.settle(&s.pages[i], at)
	}
}
