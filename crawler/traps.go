package crawler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// A trap is a part of a site that makes ever new URLs and says nothing new: a
// calendar without end, links with a session of their own, errors with a status
// of 200 that link onwards. It is known by pages of one pattern of URLs that lead
// to one another and, many in a row, are duplicates of one another. Then only
// some of the pattern's URLs are asked for, and, when those are duplicates as
// well, none.

// Bounds of watching for traps.
const (
	trapSample   = 100 // duplicates in a row, after which a pattern is sampled: one URL in trapOneIn is asked for
	trapMute     = 120 // duplicates in a row, after which it is muted: none is
	trapOneIn    = 10
	trapDeep     = 20  // so many links from a seed, pages that say the same are taken for duplicates though their bytes differ
	trapRecent   = 16  // pages of a pattern whose signatures are remembered
	trapPatterns = 200 // of a host that are watched at once
	trapKept     = 20  // that are remembered from visit to visit
	trapKeep     = 3   // duplicates in a row that make a pattern worth remembering
)

// Muted is a pattern of a host's URLs that is, or is about to be, left alone.
type Muted struct {
	Pattern string `json:"pattern"`
	Pages   int    `json:"pages"`  // that were looked at
	Streak  int    `json:"streak"` // how many, to the last, were duplicates
	Muted   bool   `json:"muted"`  // no URL of it is asked for; otherwise some are
}

// Reason says in words what is done, and why.
func (m Muted) Reason() string {
	if m.Muted {
		return fmt.Sprintf("trap: URLs like %s are left alone: the last %d of %d pages said the same as others", m.Pattern, m.Streak, m.Pages)
	}
	return fmt.Sprintf("trap: of URLs like %s only one in %d is asked for: the last %d of %d pages said the same as others", m.Pattern, trapOneIn, m.Streak, m.Pages)
}

// watched is what is known of one pattern.
type watched struct {
	Pages  int      `json:"n"`
	Streak int      `json:"s"`
	Recent []uint64 `json:"r"` // signatures, the oldest first
}

// traps watches one host. It is safe for concurrent use.
type traps struct {
	any atomic.Bool // a pattern is sampled or muted

	mu      sync.Mutex
	watched map[pattern]*watched
	open    map[string]bool // patterns that the operator wants asked for
}

// recall begins with what an earlier visit has kept. What it can not read it
// learns again.
func (t *traps) recall(kept string) {
	t.watched = make(map[pattern]*watched)
	if kept != "" && json.Unmarshal([]byte(kept), &t.watched) != nil {
		clear(t.watched)
	}
	t.look()
}

// keep writes down what the next visit should know: "" for nothing.
func (t *traps) keep() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	worth := slices.DeleteFunc(slices.Collect(maps.Keys(t.watched)), func(p pattern) bool { return t.watched[p].Streak < trapKeep })
	if len(worth) == 0 {
		return ""
	}
	slices.SortFunc(worth, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(t.watched[b].Streak, t.watched[a].Streak), cmp.Compare(a, b))
	})
	kept := make(map[pattern]*watched, trapKept)
	for _, p := range worth[:min(len(worth), trapKept)] {
		kept[p] = t.watched[p]
	}
	text, err := json.Marshal(kept)
	if err != nil {
		panic("crawler: " + err.Error()) // numbers and strings always can be
	}
	return string(text)
}

// MutedPatterns reads the patterns that are left alone, or sampled, from what a
// host's Standing remembers.
func (s Standing) MutedPatterns() []Muted {
	t := &traps{}
	t.recall(s.Traps)
	var all []Muted
	for p, w := range t.watched {
		if w.Streak >= trapSample {
			all = append(all, w.muted(p))
		}
	}
	slices.SortFunc(all, func(a, b Muted) int { return cmp.Compare(a.Pattern, b.Pattern) })
	return all
}

func (w *watched) muted(p pattern) Muted {
	return Muted{Pattern: string(p), Pages: w.Pages, Streak: w.Streak, Muted: w.Streak >= trapMute}
}

// allow lets patterns be asked for whatever their pages say.
func (t *traps) allow(patterns []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(patterns) == len(t.open) { // they are only ever added to, or emptied
		return
	}
	t.open = make(map[string]bool, len(patterns))
	for _, p := range patterns {
		t.open[p] = true
	}
	t.look()
}

// look finds out whether there is anything to refuse. t.mu is held.
func (t *traps) look() {
	found := false
	for p, w := range t.watched {
		found = found || w.Streak >= trapSample && !t.open[string(p)]
	}
	t.any.Store(found)
}

// suspect reports whether a URL may belong to a trap: it was found on a page of
// its own pattern, or a machine drew a part of it.
func suspect(e Entry) (pattern, bool) {
	if e.Depth == 0 || e.Via.IsZero() || e.Via.Host() != e.URL.Host() {
		return "", false
	}
	p := patternOf(e.URL)
	return p, p.random() || patternOf(e.Via) == p
}

// learn notes what a page said. What of it counts depends on how suspicious its
// URL is: bytes, or, for URLs with random parts and those far from the seeds, words.
func (t *traps) learn(e Entry, page *Page, doc *Document) {
	p, ok := suspect(e)
	if !ok {
		return
	}
	signature := digestOf(page)
	if p.random() || e.Depth > trapDeep {
		signature = signatureOf(page, doc)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.watched[p]
	if w == nil {
		if len(t.watched) >= trapPatterns {
			t.forget()
		}
		w = new(watched)
		t.watched[p] = w
	}
	w.Pages++
	if slices.Contains(w.Recent, signature) {
		w.Streak++
	} else {
		w.Streak = 0
		if len(w.Recent) == trapRecent {
			w.Recent = slices.Delete(w.Recent, 0, 1)
		}
		w.Recent = append(w.Recent, signature)
	}
	if w.Streak == 0 || w.Streak == trapSample {
		t.look()
	}
}

// forget makes room: the patterns that look least like traps go. t.mu is held.
func (t *traps) forget() {
	maps.DeleteFunc(t.watched, func(_ pattern, w *watched) bool { return w.Streak < trapKeep })
	if len(t.watched) >= trapPatterns {
		maps.DeleteFunc(t.watched, func(_ pattern, w *watched) bool { return w.Streak < trapSample })
	}
}

// refuses says why a URL is not asked for; "" when it is.
func (t *traps) refuses(e Entry) string {
	if !t.any.Load() {
		return ""
	}
	p, ok := suspect(e)
	if !ok {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.watched[p]
	if w == nil || w.Streak < trapSample || t.open[string(p)] || w.Streak < trapMute && sampled(e.URL) {
		return ""
	}
	return w.muted(p).Reason()
}

// sampled picks one URL in trapOneIn, the same in every process.
func sampled(u URL) bool {
	sum := fnv.New32a()
	sum.Write([]byte(u.href))
	return sum.Sum32()%trapOneIn == 0
}

// Matches reports whether a URL is of the pattern.
func (m Muted) Matches(u URL) bool { return string(patternOf(u)) == m.Pattern }
