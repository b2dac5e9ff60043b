package frontier

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/pathblock"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recrawl"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/signature"
)

// This file has what a visit of a continuous job learns of its pages.

// maxPriors is how many patterns of URLs of a host are told apart. Others count as one.
const maxPriors = 64

// Names of counters of a continuous job, and how what is learned of a pattern is named among them.
const (
	counterPrior     = "prior:"
	counterChanged   = "changed"   // fetches of pages that were fetched before, which found them changed
	counterUnchanged = "unchanged" // and those that found them as they were
)

// tracker computes what is known of the pages of a visit's host after each fetch.
type tracker struct {
	frontier *Frontier
	host     crawler.Host
	base     string
	priors   map[string]recrawl.Prior // by pattern; nil before they are read
	whole    recrawl.Prior            // of all pages of the host
	signals  recrawl.Signals          // how far the site's announcements of changes were right
}

// fieldSignals is where the signals of a host are kept, beside the priors of its patterns. Those have
// names of four bytes.
const fieldSignals = "signals"

// read reads what is known of the host's patterns. Priors that cannot be read are none.
func (t *tracker) read(ctx context.Context) error {
	if t.priors != nil {
		return nil
	}
	fields, err := t.frontier.rdb.HGetAll(ctx, t.base+namePriors+string(t.host)).Result()
	if err != nil && !redisconn.IsWrongType(err) { // the next script that writes them sets them aside
		return wrapped("priors", t.base, err)
	}
	t.priors = make(map[string]recrawl.Prior, len(fields))
	if g, err := recrawl.ParseSignals([]byte(fields[fieldSignals])); err == nil {
		t.signals = g
	}
	delete(fields, fieldSignals)
	for pattern, packed := range fields {
		if p, err := recrawl.ParsePrior([]byte(packed)); err == nil {
			t.priors[pattern] = p
			t.whole = t.whole.Merge(p)
		}
	}
	return nil
}

// pattern returns the name of a URL's pattern: four bytes of its hash.
func (t *tracker) pattern(u crawler.URL) string {
	sum := fnv.New32a()
	sum.Write([]byte(signature.PatternOf(u)))
	name := string(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	if _, known := t.priors[name]; !known && len(t.priors) >= maxPriors {
		return "\x00\x00\x00\x00"
	}
	return name
}

// learned is what the fetches of one call taught.
type learned struct {
	pages    []string // for each settlement, the argument of settle.lua
	counters map[string]int64
	priors   map[string]recrawl.Prior
	signals  *recrawl.Signals // nil if nothing was learned of them
}

// of returns the argument of settle.lua for a settlement; "" for none.
func (l learned) of(i int) string {
	if i < len(l.pages) {
		return l.pages[i]
	}
	return ""
}

// learn computes what is known after fetches. Nothing is kept before the call succeeds: see keep.
func (t *tracker) learn(ctx context.Context, done []queue.Settlement, now time.Time) (learned, error) {
	all := learned{pages: make([]string, len(done)), counters: make(map[string]int64),
		priors: make(map[string]recrawl.Prior)}
	if err := t.read(ctx); err != nil {
		return all, err
	}
	c := t.frontier.course()
	for i, s := range done {
		e := s.Page.Entry
		switch {
		case e.URL.IsZero(), !s.Outcome.Final():
		case e.Page.Known() && !tracks(s.Outcome): // it was not asked for this time, as robots.txt forbids it now
			state, err := recrawl.Parse([]byte(e.Page.State))
			if err != nil {
				state = recrawl.State{}
			}
			state.Last = uint32(now.Unix())
			all.pages[i] = t.page(c, e, state, e.Page.Follows, now)
		case e.Page.Known() || begins(s.Outcome):
			all.pages[i] = t.page(c, e, t.observe(&all, s.Page, c, now), s.Page.Follows, now)
		}
	}
	return all, nil
}

// observe returns the state of a page after a fetch.
func (t *tracker) observe(all *learned, s queue.Sighting, c *course, now time.Time) recrawl.State {
	before, err := recrawl.State{}, error(nil)
	if s.Entry.Page.Known() {
		if before, err = recrawl.Parse([]byte(s.Entry.Page.State)); err != nil {
			before = recrawl.State{}
		}
	}
	pattern := t.pattern(s.Entry.URL)
	prior, ok := all.priors[pattern]
	if !ok {
		prior = t.priors[pattern]
	}
	if !s.Found && !s.Same && !s.Gone { // nothing is known of the page: look again after as long as before
		next := before.Observe(now, false, prior.Within(t.whole))
		next.Rate, next.Knowledge, next.Flags = before.Rate, before.Knowledge, before.Flags
		if before.Last == 0 {
			next = recrawl.State{}.Observe(now, false, prior.Within(t.whole))
		}
		return next
	}
	changed := before.Last > 0 && s.Change(c.set.Distance) != crawler.ChangeUnchanged
	next := before.Observe(now, changed, prior.Within(t.whole))
	if before.Last == 0 {
		next.Importance = recrawl.Importance(importanceOf(s.Entry))
	}
	if next.Flags &^= recrawl.Gone; s.Gone {
		next.Flags |= recrawl.Gone
	}
	if s.Found {
		next.Content = s.Content
	}
	if before.Last > 0 {
		t.heed(all, before, changed)
		all.priors[pattern] = prior.Learn(before, now, changed)
		name := counterUnchanged
		if changed {
			name = counterChanged
		}
		all.counters[name]++
	}
	return next
}

// importanceOf returns how much a page matters by its priority when it was found. What pages
// embed has a high one only so that it matches its page.
func importanceOf(e queue.Entry) float64 {
	switch {
	case e.Band == queue.BandUrgent:
		return 4
	case e.Band == queue.BandFirst && e.Embeds == 0:
		return 2
	case e.Band == queue.BandLow:
		return 0.5
	}
	return 1
}

// heed learns from the fetch of a page whether signals of its site are right. Of a site that announces
// nothing there is nothing to learn.
func (t *tracker) heed(all *learned, before recrawl.State, changed bool) {
	signalled := before.Flags.Has(recrawl.Signalled)
	if !signalled && (!changed || t.signals == recrawl.Signals{} && all.signals == nil) {
		return
	}
	if all.signals == nil {
		g := t.signals
		all.signals = &g
	}
	*all.signals = all.signals.Observe(signalled, changed)
}

// page returns the argument of settle.lua for a page.
func (t *tracker) page(c *course, e queue.Entry, state recrawl.State, follows bool, now time.Time) string {
	kept := e.Page
	kept.State, kept.Follows = string(state.Append(nil)), follows
	kept.Fetches++
	due := c.due(state, e.URL, now).UnixMilli()
	text := fmt.Sprintf("%013d", max(0, min(due, 9_999_999_999_999))) + kept.Slot(false)
	if !e.Page.Known() {
		text += string(pathblock.Append(nil, e.Name()))
	}
	return text
}

// keep remembers what a call that succeeded has taught.
func (t *tracker) keep(all learned) {
	for pattern, p := range all.priors {
		t.priors[pattern] = p
	}
	if all.signals != nil {
		t.signals = *all.signals
	}
	t.whole = recrawl.Prior{}
	for _, p := range t.priors {
		t.whole = t.whole.Merge(p)
	}
}
