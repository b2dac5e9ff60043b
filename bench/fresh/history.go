package main

import (
	"bufio"
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

// measured is how long the end of a history is that staleness is counted in.
const measured = 3 * 365 * 24 * time.Hour

// span is when a history ends, and when measuring begins: three years before, or after the first
// tenth of a shorter history.
func (c collection) span() (first, from, to int64) {
	first, to = c.events[0].at, c.events[len(c.events)-1].at
	return first, max(to-int64(measured.Seconds()), first+(to-first)/10), to
}
