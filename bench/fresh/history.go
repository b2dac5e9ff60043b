package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// A kind is what happened to a page.
type kind byte

const (
	added    kind = 'A'
	modified kind = 'M'
	deleted  kind = 'D'
)

// event is what happened to a page.
type event struct {
	page int
	at   int64 // unix seconds
	kind kind
}

// collection is a site with its history.
type collection struct {
	name   string
	pages  int
	events []event // in the order of time

	// measured is the length of the part at the end of the history in which staleness is counted.
	// learning is how long before that a replay begins, at most. Default (0): 3 years and 2 years.
	measured, learning time.Duration
}

// readCollections reads histories, in the order of their names.
func readCollections(path string) (all []collection, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buffered := bufio.NewReader(f)
	var r io.Reader = buffered
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		if r, err = gzip.NewReader(buffered); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
	}
	var raw map[string][]struct {
		Events [][2]any `json:"events"`
	}
	if err := json.NewDecoder(r).Decode(&raw); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	for name, pages := range raw {
		c := collection{name: name, pages: len(pages)}
		for i, p := range pages {
			for _, e := range p.Events {
				at, isTime := e[0].(float64)
				k, isKind := e[1].(string)
				if !isTime || !isKind || len(k) != 1 || !strings.Contains("AMD", k) {
					return nil, fmt.Errorf("read %s: %s, page %d: want [seconds, A, M or D], got %v", path, name, i, e)
				}
				c.events = append(c.events, event{i, int64(at), kind(k[0])})
			}
		}
		slices.SortStableFunc(c.events, func(a, b event) int { return int(a.at - b.at) })
		if len(c.events) == 0 {
			return nil, fmt.Errorf("read %s: %s has no events", path, name)
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b collection) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// sample returns the collection with only every nth of its pages; n is every.
func (c collection) sample(every int) collection {
	var events []event
	for _, e := range c.events {
		if e.page%every == 0 {
			e.page /= every
			events = append(events, e)
		}
	}
	c.pages, c.events = (c.pages+every-1)/every, events
	return c
}

// lasting returns the collection without the first lives of pages that end within a day while it is
// replayed: a fleet may not meet them, and then has nothing that is stale.
func (c collection) lasting() collection {
	began, left := make(map[int]int64), make(map[int]int64) // by page: its first life, and the end of it if it was short
	for _, e := range c.events {
		at, met := began[e.page]
		switch {
		case e.kind != deleted && !met:
			began[e.page] = e.at
		case e.kind == deleted && at >= c.begin() && e.at-at < int64(day):
			left[e.page] = e.at
		}
	}
	c.events = slices.DeleteFunc(slices.Clone(c.events), func(e event) bool { return e.at <= left[e.page] })
	return c
}

const (
	year     = 365 * 24 * time.Hour
	measured = 3 * year
	learning = 2 * year
)

// span returns when a history begins, when measuring begins, and when the history ends. Measuring
// begins three years before the end, or after the first tenth of a shorter history.
func (c collection) span() (first, from, to int64) {
	first, to = c.events[0].at, c.events[len(c.events)-1].at
	return first, max(to-int64(cmp.Or(c.measured, measured).Seconds()), first+(to-first)/10), to
}
