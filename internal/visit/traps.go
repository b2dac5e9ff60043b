package visit

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// A trap is a part of a site that keeps generating new URLs without new content: an endless
// calendar, links with a new session each, error pages with a status of 200 that link
// onwards. A trap shows in pages whose URLs have one pattern, that link to one another, and
// many of which in a row are duplicates. Then only a sample of the pattern's URLs is
// fetched, and if those are duplicates too, none.

// Bounds of the search for traps.
const (
	// From this depth on, pages that nearly say the same count as duplicates, even if their bytes
	// differ.
	trapDeep     = 20
	trapRecent   = 16  // signatures remembered for a pattern
	trapPatterns = 200 // patterns watched at once for a host
	trapKept     = 20  // patterns remembered between visits, besides those that are sampled or skipped
	trapKeep     = 3   // duplicates in a row from which a pattern is worth remembering
)

// watched is what is known of one pattern.
type watched struct {
	Pages  int         `json:"n"`
	Streak int         `json:"s"`
	Recent []signature `json:"p,omitempty"` // oldest first; older versions stored these under r
}

// traps watches one host. It is safe for concurrent use.
type traps struct {
	any atomic.Bool // a pattern is sampled or skipped

	mu      sync.Mutex
	watched map[pattern]*watched
	open    map[string]bool // patterns that the operator wants fetched
}

// recall starts from what an earlier visit kept. It starts empty if that cannot be decoded.
func (t *traps) recall(kept string) {
	t.watched = make(map[pattern]*watched)
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
		func(p pattern) bool { return t.watched[p].Streak < trapKeep })
	if len(worth) == 0 {
		return ""
	}
	slices.SortFunc(worth, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(t.watched[b].Streak, t.watched[a].Streak), cmp.Compare(a, b))
	})
	kept := make(map[pattern]*watched, trapKept)
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
func suspect(e queue.Entry) (pattern, bool) {
	if e.Depth == 0 || e.Referrer.IsZero() || e.Referrer.Host() != e.URL.Host() {
		return "", false
	}
	p := patternOf(e.URL)
	return p, p.random() || patternOf(e.Referrer) == p
}

// learn compares a page with others of its pattern. It compares bytes, but for URLs with
// random parts and URLs far from the seeds, words.
func (t *traps) learn(e queue.Entry, page *fetched.Page, doc *fetched.Document) {
	p, ok := suspect(e)
	if !ok {
		return
	}
	said := digestOf(page)
	if p.random() || e.Depth > trapDeep {
		said = signatureOf(page, doc)
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
	if slices.ContainsFunc(w.Recent, said.same) {
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
	maps.DeleteFunc(t.watched, func(_ pattern, w *watched) bool { return w.Streak < trapKeep })
	if len(t.watched) >= trapPatterns {
		maps.DeleteFunc(t.watched, func(_ pattern, w *watched) bool { return w.Streak < queue.TrapSample })
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

// pattern is what similar URLs have in common: the class of each path segment, and the
// names of the parameters. The first segment is kept as it is if it is a word.
//
//	/calendar/2031/05?view=month  →  /calendar/N/N?view
//	/shop/lamp-17?sid=9f86d081    →  /shop/M?sid=X
type pattern string

// Classes of path segments and parameter values.
const (
	classNumber = "N" // digits, perhaps with separators: 17, 2031-05-01
	classRandom = "X" // looks generated: 9f86d081884c7d65, UUIDs
	classMixed  = "M" // letters and digits: page17
	classWord   = "w"
)

func patternOf(u crawler.URL) pattern {
	path, query, _ := strings.Cut(u.Path(), "?")
	var b strings.Builder
	for i, segment := range strings.Split(path[1:], "/") {
		b.WriteByte('/')
		switch class := classOf(segment); {
		case segment == "":
		case i == 0 && class == classWord:
			b.WriteString(segment)
		default:
			b.WriteString(class)
		}
	}
	if query == "" {
		return pattern(b.String())
	}
	var params []string
	for param := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(param, "=")
		if classOf(value) == classRandom {
			name += "=" + classRandom
		}
		params = append(params, name)
	}
	slices.Sort(params)
	b.WriteByte('?')
	b.WriteString(strings.Join(slices.Compact(params), "&"))
	return pattern(b.String())
}

// random reports whether URLs of the pattern have a part that looks generated.
func (p pattern) random() bool { return strings.Contains(string(p), classRandom) }

// classOf tells numbers and words from random strings. A random string has at least eight
// letters and digits that either alternate often, unlike a word with a number after it, or
// are all hexadecimal.
func classOf(s string) string {
	digits, letters, beyondF, others, changes := 0, 0, 0, 0, 0
	last := byte(0)
	for i := range len(s) {
		kind := byte('o')
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			kind = 'd'
			digits++
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			kind = 'l'
			letters++
			if c|0x20 > 'f' {
				beyondF++
			}
		default:
			others++
		}
		if last != 0 && kind != last && kind != 'o' && last != 'o' {
			changes++
		}
		last = kind
	}
	switch {
	case digits == 0:
		return classWord
	case letters == 0:
		return classNumber
	case digits+letters >= 8 && (changes >= 4 || beyondF == 0) && others <= 4:
		return classRandom
	}
	return classMixed
}

// PatternOf returns the pattern of a URL, under which [crawler.Trap] names it.
func PatternOf(u crawler.URL) string { return string(patternOf(u)) }
