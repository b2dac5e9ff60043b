package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// seedProgress shows how far a list is: in a line that is written over while
// standard error is a terminal, and otherwise in a new line now and then.
type seedProgress struct {
	w        io.Writer
	terminal bool
	last     time.Time
}

func newSeedProgress(w *os.File, began time.Time) *seedProgress {
	return &seedProgress{w: w, terminal: term.IsTerminal(int(w.Fd())), last: began}
}

func (p *seedProgress) show(text string) {
	switch {
	case p.terminal:
		fmt.Fprint(p.w, "\r\x1b[K", text)
	case time.Since(p.last) >= plainEvery:
		p.last = time.Now()
		fmt.Fprintln(p.w, text)
	}
}

// clear removes the line from a terminal.
func (p *seedProgress) clear() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
