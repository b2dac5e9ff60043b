package export

import (
	"context"

	"github.com/trawlcrawler/trawl/internal/change"
)

// differ compares two views.
type differ struct {
	ctx           context.Context
	before, after *view
	order         DiffOrder
	tell          func(change.Page) error
	sum           Comparison
	texts         *textStore // of pages of the first crawl that have changed; nil if not wanted

	gone    map[uint64]string // URLs of pages that are gone, by the hash of their digest
	moved   map[uint64]bool   // pages that were found again, by the hash of the URL
	reached map[uint64]bool   // where pages that moved redirect to, by the hash of the URL
}

// compare calls tell with all differences.
func (d *differ) compare() error {
	for _, step := range []func() error{d.lookBack, d.findRedirects, d.tellAfter, d.tellGone} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// class returns what came of a URL.
func (d *differ) class(url string) change.Class {
	return change.Classify(d.before.state(url).State, d.after.state(url).State, d.order.Distance)
}

// lookBack notes pages that are gone, by their content, and keeps the texts of those that have
// changed.
func (d *differ) lookBack() error {
	return d.before.each(d.ctx, func(f finding, was state) error {
		switch class := d.class(f.URL); {
		case class == change.Gone && was.There() && was.Content != 0:
			if _, known := d.gone[was.Content]; !known {
				d.gone[was.Content] = f.URL
			}
		case class == change.Changed && d.texts != nil:
			return d.texts.keep(hashOf(f.URL), f.Text)
		}
		return nil
	})
}

// findRedirects notes where pages that have moved redirect to.
func (d *differ) findRedirects() error {
	return d.after.each(d.ctx, func(f finding, _ state) error {
		if d.class(f.URL) == change.Moved {
			d.reached[hashOf(f.FinalURL)] = true
		}
		return nil
	})
}

// tellAfter tells what is new, moved, changed or back.
func (d *differ) tellAfter() error {
	return d.after.each(d.ctx, func(f finding, now state) error {
		was, class := d.before.state(f.URL), d.class(f.URL)
		one := change.Page{Class: class, URL: f.URL, Before: was.String(), After: now.String(), Digest: f.Digest}
		switch class {
		case change.Unchanged:
			d.sum.Same++
			return nil
		case change.Gone:
			if was.There() {
				return nil // told by tellGone, unless its content is found elsewhere
			}
		case change.Moved:
			d.moved[hashOf(f.URL)] = true
			one.To = f.FinalURL
			if there := d.after.state(f.FinalURL); there.There() {
				one.After = there.String()
			}
		case change.New:
			from, found := d.gone[now.Content]
			switch {
			case d.reached[hashOf(f.URL)]:
				return nil // told with the page that redirects to it
			case found && !d.moved[hashOf(from)]:
				d.moved[hashOf(from)] = true
				one.Class, one.URL, one.To, one.Before = change.Moved, from, f.URL, d.before.state(from).String()
			}
		case change.Changed:
			if err := d.addText(&one, f.Text); err != nil {
				return err
			}
		}
		return d.differs(one, f)
	})
}

// addText adds what differs in the text of a page that has changed.
func (d *differ) addText(one *change.Page, now string) error {
	if d.texts == nil {
		return nil
	}
	was, err := d.texts.get(hashOf(one.URL))
	if err != nil {
		return err
	}
	if was == "" && now == "" {
		d.sum.Textless++
	}
	one.Text = change.Text(was, now)
	return nil
}

// tellGone tells which pages are gone and were not found again.
func (d *differ) tellGone() error {
	return d.before.each(d.ctx, func(f finding, was state) error {
		if !was.There() || d.moved[hashOf(f.URL)] || d.class(f.URL) != change.Gone {
			return nil
		}
		f.FetchedAt = ""
		return d.differs(change.Page{Class: change.Gone, URL: f.URL, Before: was.String(),
			After: d.after.state(f.URL).String(), Digest: f.Digest}, f)
	})
}

// differs tells a difference, if there is one. f is the finding that shows it.
func (d *differ) differs(one change.Page, f finding) error {
	if !one.Class.Told() {
		return nil
	}
	if d.order.Found {
		one.Title, one.FetchedAt = f.Title, f.FetchedAt
	}
	d.sum.Changes[one.Class]++
	return d.tell(one)
}
