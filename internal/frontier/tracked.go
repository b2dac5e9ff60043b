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

// This file computes what a visit of a continuous job learns about its pages.

// maxPriors is how many patterns of URLs are told apart at a host. All others count as one.
const maxPriors = 64

// Names of counters of a continuous job. counterPrior is the prefix under which settle.lua gets
// what was learned of a pattern.
const (
	counterPrior     = "prior:"
	counterChanged   = "changed"   // fetches of known pages that found them changed
	counterUnchanged = "unchanged" // fetches of known pages that found them as they were
)

// tracker computes what is known of the pages of a visit's host after each fetch.
type tracker struct {
	frontier *Frontier
	host     crawler.Host
	base     string
	priors   map[string]recrawl.Prior // by pattern; nil before they are read
	whole    recrawl.Prior            // of all pages of the host
	signals  recrawl.Signals          // how far the site's announcements of changes were right
	readings map[crawler.URL]reading  // of lists that were read and not settled yet
}

// reading is what a sitemap or a feed with dates said.
type reading struct {
	pages     int     // how many it lists
	announced float64 // pages that are new, and those that it made due, as far as the site can be trusted
}

// listed returns the state of a page after a fetch, with what it announced if it is a list.
func (t *tracker) listed(e queue.Entry, state recrawl.State, now time.Time) recrawl.State {
	r, ok := t.readings[e.URL]
	if !ok {
		return state
	}
	before, err := recrawl.Parse([]byte(e.Page.State))
	if err != nil {
		before = recrawl.State{}
	}
	next := before.ObserveList(now, r.announced, r.pages)
	next.Content, next.Flags = state.Content, state.Flags
	return next
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

// learn computes what is known after fetches, given how many hosts link to each page, as linked returns
// it. Nothing is kept before the call succeeds: see keep.
func (t *tracker) learn(ctx context.Context, done []queue.Settlement, now time.Time, links []int) (learned, error) {
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
		case e.Page.Known() || tracks(s.Outcome) || s.Page.Returns:
			state := t.observe(&all, s.Page, c, now)
			state.Importance = linkedImportance(state.Importance, links[i])
			all.pages[i] = t.page(c, e, state, s.Page.Follows, now)
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
	next := before
	switch whole := prior.Within(t.whole); {
	case before.Last == 0 || before.Flags.Has(recrawl.Unseen):
		next = first(s, before, whole, now)
	case !s.Found && !s.Same && !s.Gone: // nothing is known of the page: look again after as long as before
		next.Last = before.Observe(now, false, whole).Last
	default:
		changed := s.Change(c.set.Distance) != crawler.ChangeUnchanged
		next = before.Observe(now, changed, whole)
		if next.Flags &^= recrawl.Gone; s.Gone {
			next.Flags |= recrawl.Gone
		}
		if s.Found {
			next.Content = s.Content
		}
		t.heed(all, before, changed)
		all.priors[pattern] = prior.Learn(before, now, changed)
		all.counters[counterOf(changed)]++
	}
	switch {
	case s.Found:
		next = next.Keep(s.Keeps)
	case s.Same: // what the body said about itself still holds
		next = next.Keep(max(s.Keeps, before.Kept()))
	}
	return next
}

// counterOf returns the counter of fetches of known pages that found them changed, or not.
func counterOf(changed bool) string {
	if changed {
		return counterChanged
	}
	return counterUnchanged
}

// first returns the state of a page that no fetch had found before. A page that is not found time
// after time is looked for less and less often, as if it did not change. Other pages learn nothing
// from it.
func first(s queue.Sighting, before recrawl.State, prior recrawl.Prior, now time.Time) recrawl.State {
	found := s.Found || s.Same
	next := before.Observe(now, false, prior)
	if found {
		next = recrawl.State{Importance: before.Importance}.Observe(now, false, prior)
	}
	if before.Last == 0 {
		next.Importance = recrawl.Importance(importanceOf(s.Entry))
	}
	if next.Flags |= recrawl.Unseen; found {
		next.Flags, next.Content = 0, s.Content
	}
	if s.Gone {
		next.Flags |= recrawl.Gone
	}
	return next
}

// importanceOf returns how much a page matters, by the priority that it had when it was found.
// Embedded resources have a high priority only to be fetched at about the same time as their page,
// so theirs does not count.
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

// heed learns whether a site was right when it announced that the fetched page had changed.
func (t *tracker) heed(all *learned, before recrawl.State, changed bool) {
	if !before.Flags.Has(recrawl.Signalled) {
		return
	}
	if all.signals == nil {
		g := t.signals
		all.signals = &g
	}
	*all.signals = all.signals.Observe(true, changed)
}

// page returns the argument of settle.lua for a page.
func (t *tracker) page(c *course, e queue.Entry, state recrawl.State, follows bool, now time.Time) string {
	kept, state := e.Page, t.listed(e, state, now)
	kept.State, kept.Follows = string(state.Append(nil)), follows
	kept.Fetches++
	if !e.Page.Known() {
		kept.Seed = e.IsSeed()
	}
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
	clear(t.readings)
	t.whole = recrawl.Prior{}
	for _, p := range t.priors {
		t.whole = t.whole.Merge(p)
	}
}
