package main

import (
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// troubleWatch tells a person who watches a job when a worker can not keep its
// pages, and when it can again.
type troubleWatch struct {
	w     *terminal
	known map[string]bool // workers in trouble
}

func newTroubleWatch(w *terminal) *troubleWatch { return &troubleWatch{w, make(map[string]bool)} }

// see tells what has changed.
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
			t.say("worker " + worker + " is in trouble no more")
		}
	}
	t.known = now
}

// say writes a line of its own, in the place of that of the progress.
func (t *troubleWatch) say(line string) {
	if t.w.shown() {
		t.w.rewrite("")
	}
	fmt.Fprintln(t.w, "trawl: "+line)
}
