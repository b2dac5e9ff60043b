package robots

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// This file is about what a robots.txt says about the use of pages, besides fetching them:
//
//   - Content-Usage rules, which belong to a group and may have a path
//     (draft-ietf-aipref-attach).
//   - Content-Signal lines (contentsignals.org). Sites write them within a group, or before
//     the first one for everybody; those of a group take precedence.
//   - License lines (RSL 1.0), which belong to no group.

// maxUnread is how many rules that cannot be read are noted for a page.
const maxUnread = 4

// usage is a Content-Usage rule.
type usage struct {
	pattern
	preferences []rights.Preference
	text        string // the preferences as written, clipped; "" unless there is an err
	err         string // why they cannot be read; "" if they can
}

func (u *usage) weight() int {
	n := u.octets + len(u.text) + len(u.err)
	for _, p := range u.preferences {
		n += 2*len("category") + len(p.Category)
	}
	return n
}

// newUsage parses the value of a rule.
func newUsage(value string) usage {
	path, text := rights.PathOf(value)
	u := usage{pattern: newPattern(strings.Clone(path))}
	var err error
	if u.preferences, err = rights.Usage(strings.Clone(text)); err != nil {
		u.text, u.err = strings.Clone(urltext.Clip(text)), err.Error()
	}
	return u
}

// sortedUsage sorts rules so that those that apply before others precede them.
func sortedUsage(all []usage) []usage {
	slices.SortStableFunc(all, func(a, b usage) int { return cmp.Compare(b.octets, a.octets) })
	return slices.Clip(all)
}

func (p *parser) signal(value string) {
	if !p.begun {
		p.global.Read(value)
		return
	}
	p.spoken = true
	for _, g := range []*group{&p.own, &p.any} {
		if g.takesOthers {
			g.signals.Read(value)
		}
	}
}

func (p *parser) usage(value string) {
	p.spoken = true
	for _, g := range []*group{&p.own, &p.any} {
		if g.takesOthers {
			g.usage = append(g.usage, newUsage(value))
		}
	}
}

// license keeps an address, which must be absolute.
func (p *parser) license(value string) {
	if u, err := crawler.ParseURL(value); err == nil && len(p.licenses) < rights.MaxAddresses &&
		!slices.Contains(p.licenses, u.String()) {
		p.licenses = append(p.licenses, u.String())
	}
}

// speaks reports whether the file says anything about the use of pages.
func (r *Rules) speaks() bool { return len(r.signals)+len(r.usage)+len(r.licenses) > 0 }

// Signals returns what the Content-Signal lines say, by purpose: "yes" or "no"; nil if
// there are none. The caller must not change it.
func (r *Rules) Signals() map[string]string { return r.signals }

// Usage returns the preferences that apply to u: those of the rule with the longest path
// that matches, or of several as long, of which "n" applies. Which rule allows u to be
// fetched has no influence, but for a URL that is disallowed nothing is stated. Rules that
// cannot be read are left out.
func (r *Rules) Usage(u crawler.URL) []rights.Preference {
	var all []rights.Preference
	best := -1
	for rule := range r.usageOf(u) {
		switch {
		case rule.err != "":
		case rule.octets == best:
			all = rights.Combine(all, rule.preferences)
		case best < 0:
			best, all = rule.octets, slices.Clone(rule.preferences)
		default:
			return all
		}
	}
	return all
}

// usageOf yields the Content-Usage rules that match u, the longest first.
func (r *Rules) usageOf(u crawler.URL) func(yield func(*usage) bool) {
	return func(yield func(*usage) bool) {
		if len(r.usage) == 0 || !r.Allowed(u) {
			return
		}
		path := cmp.Or(plain(u.Path()), "/")
		for i := range r.usage {
			if r.usage[i].matches(path) && !yield(&r.usage[i]) {
				return
			}
		}
	}
}

// Rights returns what the robots.txt says about the use of u, with its source.
func (r *Rules) Rights(u crawler.URL) []crawler.Statement {
	var all []crawler.Statement
	where, at := u.Origin()+"/robots.txt", ""
	if r.source != nil {
		at = fetched.FormatRecordTime(r.source.At)
	}
	add := func(s crawler.Statement) {
		s.Source, s.Where, s.At = rights.InRobots, where, at
		all = append(all, s)
	}
	for _, p := range r.Usage(u) {
		add(crawler.Statement{Vocabulary: rights.VocabularyAIPref, Statement: p.Category, Value: p.Value})
	}
	for _, purpose := range r.signals.Purposes() {
		add(crawler.Statement{Vocabulary: rights.VocabularySignal, Statement: purpose, Value: r.signals[purpose]})
	}
	for _, address := range r.licenses {
		add(crawler.Statement{Vocabulary: rights.VocabularyRSL, Statement: rights.License, Value: address})
	}
	unread := 0
	for rule := range r.usageOf(u) {
		if rule.err != "" && unread < maxUnread {
			unread++
			add(crawler.Statement{
				Vocabulary: rights.VocabularyAIPref, Statement: "content-usage", Value: rule.text, Error: rule.err,
			})
		}
	}
	return all
}
