package main

import (
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// troubleWatch says, while someone watches a job, when a worker cannot keep its pages, and
// when it can again.
type troubleWatch struct {
	w     *terminal
	known map[string]bool // workers in trouble
}

func newTroubleWatch(w *terminal) *troubleWatch { return &troubleWatch{w, make(map[string]bool)} }

// see reports what has changed.
func (t *troubleWatch) see(status crawler.Status) {
	now := make(map[string]bool, len(status.Troubles))
	for _, trouble := range status.Troubles {
		now[trouble.Worker] = true
		if !t.known[trouble.Worker] {
			t.say(trouble.String())
		}
	}
	for worker := range t.known {
		if !now[worker] {
			t.say("worker " + worker + " is no longer in trouble")
		}
	}
	t.known = now
}

// say replaces the progress line with a line of text.
func (t *troubleWatch) say(line string) {
	if t.w.live() {
		t.w.clear()
	}
	fmt.Fprintln(t.w, "trawl: "+line)
}
