package export

import "context"

// differ compares two views.
type differ struct {
	ctx           context.Context
	before, after *view
	tell          func(Difference) error
	sum           Comparison

	gone     map[uint64]string // URLs of pages that are gone, by the hash of their digest
	redirect map[uint64]string // the same, by the hash of the URL that they redirect to now
	moved    map[uint64]bool   // pages that were found again, by the hash of the URL
}

// compare calls tell with all differences.
func (d *differ) compare() error {
	for _, step := range []func() error{d.findGone, d.findRedirects, d.tellAfter, d.tellGone} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// findGone notes pages that are gone, by their content.
func (d *differ) findGone() error {
	return d.before.each(d.ctx, func(f finding, was state) error {
		if was.digest != 0 && d.isGone(f, was) {
			if _, known := d.gone[was.digest]; !known {
				d.gone[was.digest] = f.URL
			}
		}
		return nil
	})
}

func (d *differ) isGone(f finding, was state) bool {
	return was.there() && d.after.state(f.URL).absent()
}

// findRedirects notes pages that redirect now, by the URL that they redirect to.
func (d *differ) findRedirects() error {
	return d.after.each(d.ctx, func(f finding, now state) error {
		if now.absent() && f.FinalURL != f.URL && d.before.state(f.URL).there() {
			d.redirect[hashOf(f.FinalURL)] = f.URL
		}
		return nil
	})
}

// tellAfter tells what is new, moved or changed.
func (d *differ) tellAfter() error {
	return d.after.each(d.ctx, func(f finding, now state) error {
		was := d.before.state(f.URL)
		one := Difference{URL: f.URL, Before: was.String(), After: now.String(), Digest: f.Digest}
		switch from, found := d.origin(f, now); {
		case was.there() && now.absent(), was.outcome == 0 && !now.there():
			return nil // told by tellGone, or no page in either crawl
		case now.there() && !was.there() && found:
			d.moved[hashOf(from)] = true
			one.Change, one.URL, one.To, one.Before = ChangeMoved, from, f.URL, d.before.state(from).String()
		case now.there() && !was.there():
			one.Change = ChangeNew
		case !now.same(was):
			one.Change = ChangeChanged
		default:
			if now.there() {
				d.sum.Same++
			}
			return nil
		}
		return d.differs(one)
	})
}

// origin returns the page that is gone and either had the content of this page or
// redirects to it now.
func (d *differ) origin(f finding, now state) (from string, ok bool) {
	if from, ok = d.redirect[hashOf(f.URL)]; !ok && now.digest != 0 {
		from, ok = d.gone[now.digest]
	}
	return from, ok && !d.moved[hashOf(from)]
}

// tellGone tells which pages are gone and were not found again.
func (d *differ) tellGone() error {
	return d.before.each(d.ctx, func(f finding, was state) error {
		if !d.isGone(f, was) || d.moved[hashOf(f.URL)] {
			return nil
		}
		now := d.after.state(f.URL)
		return d.differs(Difference{Change: ChangeGone, URL: f.URL, Before: was.String(), After: now.String(),
			Digest: f.Digest})
	})
}

func (d *differ) differs(one Difference) error {
	d.sum.Changes[one.Change]++
	return d.tell(one)
}
