package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/trawlcrawler/trawl/internal/plain"
)

// style is how a terminal shows a text: the parameters of an SGR sequence (ECMA-48,
// 8.3.117). The zero value is unchanged text.
type style string

const (
	styleGood  style = "32" // green
	styleWarn  style = "33" // yellow
	styleWrong style = "31" // red
)

// span is a part of a line, in one style.
type span struct {
	text  string
	style style
}

// usualWidth is how many columns a terminal is taken to have if it does not say.
const usualWidth = 80

// width returns how many columns the terminal has now.
func (t *terminal) width() int {
	if columns, _, err := term.GetSize(int(t.file.Fd())); err == nil && columns > 0 {
		return columns
	}
	return usualWidth
}

// live reports whether lines can be replaced: the file is a terminal that knows how to
// move its cursor.
func (t *terminal) live() bool { return t.shown() && os.Getenv("TERM") != "dumb" }

// coloured reports whether styles are shown: on a terminal, unless the user asks for none
// with NO_COLOR (https://no-color.org).
func (t *terminal) coloured() bool { return t.live() && os.Getenv("NO_COLOR") == "" }

// rewrite replaces the current line of a terminal. The line is cut to the width of the terminal,
// because a line that wraps could not be replaced.
func (t *terminal) rewrite(spans ...span) {
	colours := t.coloured()
	var b strings.Builder
	b.WriteString("\r\x1b[K")
	for _, s := range cut(spans, t.width()-1) { // in the last column, some terminals wrap
		b.WriteString(s.shown(colours))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = io.WriteString(t.file, b.String()) // fails only when the terminal is gone
}

// clear removes the current line of a terminal.
func (t *terminal) clear() { t.rewrite() }

// paint writes a text to w, in a style if w is a terminal that shows it.
func paint(w io.Writer, s span) error {
	t, ok := w.(*terminal)
	if !ok || s.style == "" || !t.coloured() {
		_, err := io.WriteString(w, s.text)
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := io.WriteString(t.file, s.shown(true))
	return err
}

// shown returns the text as it is sent to a terminal.
func (s span) shown(colours bool) string {
	text := plain.Printable(s.text)
	if !colours || s.style == "" || text == "" {
		return text
	}
	return "\x1b[" + string(s.style) + "m" + text + "\x1b[m"
}

// cut shortens a line to a number of columns. A line that was cut ends in an ellipsis.
func cut(spans []span, columns int) []span {
	if columnsOf(spans...) <= columns {
		return spans
	}
	var kept []span
	left := columns - 1
	for _, s := range spans {
		text := []rune(plain.Printable(s.text))
		for i, r := range text {
			if left -= columnsOfRune(r); left < 0 {
				return append(kept, span{string(text[:i]) + "…", s.style})
			}
		}
		kept = append(kept, s)
	}
	return kept
}

// columnsOf returns how many columns of a terminal a line takes.
func columnsOf(spans ...span) (n int) {
	for _, s := range spans {
		for _, r := range plain.Printable(s.text) {
			n += columnsOfRune(r)
		}
	}
	return n
}

// firstWide is the first character that may be two columns wide (Unicode Standard Annex
// #11). Most after it are narrow, but a line that is a little too short does no harm.
const firstWide = 0x1100

func columnsOfRune(r rune) int {
	if r >= firstWide && r != '…' && r != '—' && r != '–' {
		return 2
	}
	return 1
}
