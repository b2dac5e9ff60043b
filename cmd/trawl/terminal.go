package main

import (
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/trawlcrawler/trawl/internal/plain"
)

// All commands write to these, and to nothing else, so that text from the web cannot
// control the terminal. A test checks that they do.
var (
	stdout = &terminal{file: os.Stdout}
	stderr = &terminal{file: os.Stderr}
)

// terminal is a file that may be a terminal. Characters that would control a terminal are
// escaped (see [plain.Printable]), except newlines and tabs. In JSON strings, the escapes
// mean the same as the characters. It is safe for concurrent use.
type terminal struct {
	file *os.File

	mu   sync.Mutex
	rest []byte // an incomplete character at the end of the last write
}

// Write writes text.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := p
	if len(t.rest) > 0 {
		text = append(t.rest, p...)
	}
	whole := text[:len(text)-unfinished(text)]
	t.rest = append([]byte(nil), text[len(whole):]...)
	if !innocent(whole) {
		whole = []byte(harmless(string(whole)))
	}
	if _, err := t.file.Write(whole); err != nil {
		return 0, err
	}
	return len(p), nil
}

// shown reports whether the file is a terminal.
func (t *terminal) shown() bool { return term.IsTerminal(int(t.file.Fd())) }

// data returns the writer for results. If the file is not a terminal, results are written
// unchanged, byte for byte.
func (t *terminal) data() io.Writer {
	if t.shown() {
		return t
	}
	return t.file
}

// innocent reports whether a text has nothing to escape, which is the usual case.
func innocent(text []byte) bool {
	for i := 0; i < len(text); {
		if b := text[i]; 0x20 <= b && b < 0x7f || b == '\n' || b == '\t' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 || plain.Misleads(r) {
			return false
		}
		i += size
	}
	return true
}

// unfinished returns how many bytes at the end belong to an incomplete character.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// harmless escapes characters that would control a terminal, in lines and in the cells of tables.
func harmless(text string) string {
	var b strings.Builder
	for part := range strings.SplitAfterSeq(text, "\n") {
		line, newline := strings.CutSuffix(part, "\n")
		for i, cell := range strings.Split(line, "\t") {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(plain.Printable(cell))
		}
		if newline {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
