package main

import (
	"fmt"
	"time"

	"golang.org/x/term"
)

// seedProgress shows how far a list is: in a line that is written over while
// standard error is a terminal, and otherwise in a new line now and then.
type seedProgress struct {
	w        *terminal
	terminal bool
	last     time.Time
}

func newSeedProgress(w *terminal, began time.Time) *seedProgress {
	return &seedProgress{w: w, terminal: term.IsTerminal(int(w.file.Fd())), last: began}
}

func (p *seedProgress) show(text string) {
	switch {
	case p.terminal:
		p.w.rewrite(text)
	case time.Since(p.last) >= plainEvery:
		p.last = time.Now()
		fmt.Fprintln(p.w, text)
	}
}

// clear removes the line from a terminal.
func (p *seedProgress) clear() {
	if p.terminal {
		p.w.rewrite("")
	}
}
