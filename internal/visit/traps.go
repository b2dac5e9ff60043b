package visit

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/signature"
)

// A trap is a part of a site that keeps generating new URLs without new content: an endless
// calendar, links with a new session each, error pages with a status of 200 that link
// onwards. A trap shows in pages whose URLs have the same signature.Pattern, that link to one
// another, and of which many in a row are duplicates. Then only a sample of the pattern's URLs is
// fetched, and if those are duplicates too, none.

// Bounds of the search for traps.
const (
	// From this depth on, pages that say nearly the same count as duplicates, even if their bytes
	// differ.
	trapDeep     = 20
	trapRecent   = 16  // signatures remembered for a pattern
	trapPatterns = 200 // patterns watched at once for a host
	trapKept     = 20  // patterns remembered between visits, besides those that are sampled or skipped
	trapKeep     = 3   // duplicates in a row that make a pattern worth remembering
)

// watched is what is known of one pattern.
type watched struct {
	Pages  int                   `json:"n"`
	Streak int                   `json:"s"`
	Recent []signature.Signature `json:"p,omitempty"` // oldest first; older versions stored these under r
}

// traps watches one host. It is safe for concurrent use.
type traps struct {
	any atomic.Bool // a pattern is sampled or skipped

	mu      sync.Mutex
	watched map[signature.Pattern]*watched
	open    map[string]bool // patterns that the operator wants fetched
}

// recall starts from what an earlier visit kept. It starts empty if that cannot be decoded.
func (t *traps) recall(kept string) {
	t.watched = make(map[signature.Pattern]*watched)
	if kept != "" && json.Unmarshal([]byte(kept), &t.watched) != nil {
		clear(t.watched)
	}
	t.look()
}

// keep encodes what the next visit should know; "" if there is nothing.
func (t *traps) keep() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	worth := slices.DeleteFunc(slices.Collect(maps.Keys(t.watched)),
		func(p signature.Pattern) bool { return t.watched[p].Streak < trapKeep })
	if len(worth) == 0 {
		return ""
	}
	slices.SortFunc(worth, func(a, b signature.Pattern) int {
		return cmp.Or(cmp.Compare(t.watched[b].Streak, t.watched[a].Streak), cmp.Compare(a, b))
	})
	kept := make(map[signature.Pattern]*watched, trapKept)
	for _, p := range worth {
		w := *t.watched[p]
		switch {
		case w.Streak >= queue.TrapSkip:
			w.Recent = nil // none of its URLs will be fetched
		case w.Streak < queue.TrapSample && len(kept) >= trapKept:
			continue
		}
		kept[p] = &w
	}
	text, err := json.Marshal(kept)
	if err != nil {
		panic("crawler: " + err.Error()) // cannot happen: these are numbers and strings
	}
	return string(text)
}

// allow sets the patterns whose URLs are fetched even if they look like traps.
func (t *traps) allow(patterns []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(patterns) == len(t.open) { // the list only grows or is emptied
		return
	}
	t.open = make(map[string]bool, len(patterns))
	for _, p := range patterns {
		t.open[p] = true
	}
	t.look()
}

// look updates whether there is anything to refuse. t.mu is held.
func (t *traps) look() {
	found := false
	for p, w := range t.watched {
		found = found || w.Streak >= queue.TrapSample && !t.open[string(p)]
	}
	t.any.Store(found)
}

// suspect reports whether a URL may belong to a trap: it was found on a page of its own
// pattern, or a part of it looks generated.
func suspect(e queue.Entry) (signature.Pattern, bool) {
	if e.Depth == 0 || e.Referrer.IsZero() || e.Referrer.Host() != e.URL.Host() {
		return "", false
	}
	p := signature.PatternOf(e.URL)
	return p, p.Random() || signature.PatternOf(e.Referrer) == p
}

// learn compares a page with others of its pattern. It compares their words if the URL has random
// parts or is far from the seeds, and otherwise their bytes.
func (t *traps) learn(e queue.Entry, page *fetched.Page, doc *fetched.Document) {
	p, ok := suspect(e)
	if !ok {
		return
	}
	said := signature.OfBody(page)
	if p.Random() || e.Depth > trapDeep {
		said = signature.Of(page, doc)
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
	if slices.ContainsFunc(w.Recent, said.Same) {
		w.Streak++
	} else {
		w.Streak = 0
		if len(w.Recent) == trapRecent {
			w.Recent = slices.Delete(w.Recent, 0, 1)
		}
		w.Recent = append(w.Recent, said)
	}
	if w.Streak == 0 || w.Streak == queue.TrapSample {
		t.look()
	}
}

// forget makes room by dropping the patterns that look least like traps. t.mu is held.
func (t *traps) forget() {
	maps.DeleteFunc(t.watched, func(_ signature.Pattern, w *watched) bool { return w.Streak < trapKeep })
	if len(t.watched) >= trapPatterns {
		maps.DeleteFunc(t.watched, func(_ signature.Pattern, w *watched) bool { return w.Streak < queue.TrapSample })
	}
}

// refuses says why a URL is not fetched; "" if it may be.
func (t *traps) refuses(e queue.Entry) string {
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
	if w == nil || w.Streak < queue.TrapSample || t.open[string(p)] || w.Streak < queue.TrapSkip && sampled(e.URL) {
		return ""
	}
	return queue.TrapReason(crawler.Trap{Pattern: string(p), Pages: w.Pages, Streak: w.Streak,
		Skipped: w.Streak >= queue.TrapSkip})
}

// sampled selects one URL in TrapOneIn, the same ones in every process.
func sampled(u crawler.URL) bool {
	sum := fnv.New32a()
	sum.Write([]byte(u.String()))
	return sum.Sum32()%queue.TrapOneIn == 0
}
