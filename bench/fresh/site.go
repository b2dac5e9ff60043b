package main

// copyOf is a page of the site, and the crawler's copy of it.
type copyOf struct {
	there   bool  // the page exists
	known   bool  // the crawler knows of the page, and asks for it again
	version int   // how often the page has changed, appeared or gone
	has     int   // the version that the crawler has
	since   int64 // since when the copy is stale, if it is
}

func (c *copyOf) stale() bool { return c.known && c.has != c.version }

// site is a collection under replay, with a log of how long each page was stale.
type site struct {
	pages    []copyOf
	drops    bool  // the crawler never asks again for pages that are gone
	from     int64 // when measuring begins
	known    int   // pages that the crawler knows of
	counted  int64 // until when the seconds of known pages are counted
	all      int64 // page-seconds
	staleFor int64 // page-seconds in which a copy was stale
	fetches  int   // again, while measured
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
	p.has = p.version
	return changed, gone
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
		s.staleFor += max(0, at-max(p.since, s.from))
		p.since = at
	}
}

// finish counts the pages that are stale at the end.
func (s *site) finish(at int64) {
	s.advance(at)
	for i := range s.pages {
		s.settle(&s.pages[i], at)
	}
}
