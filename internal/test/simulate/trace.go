package simulate

import (
	"fmt"
	"hash"
	"hash/fnv"
	"strings"
	"sync"
	"time"
)

// trace has a line for everything that happened in a run. It keeps the last lines, or all
// of them, and a hash of all. It is safe for concurrent use.
type trace struct {
	began time.Time
	whole bool // keeps all lines

	mu    sync.Mutex
	lines []string
	count int
	sum   hash.Hash64
}

// lastLines is how many lines a failure shows.
const lastLines = 60

func newTrace(whole bool) *trace {
	return &trace{began: time.Now(), whole: whole, sum: fnv.New64a()}
}

func (t *trace) add(format string, args ...any) {
	line := fmt.Sprintf("%12.6f ", time.Since(t.began).Seconds()) + fmt.Sprintf(format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	t.sum.Write([]byte(line))
	t.sum.Write([]byte{'\n'})
	t.lines = append(t.lines, line)
	if !t.whole && len(t.lines) > 4*lastLines {
		t.lines = append(t.lines[:0], t.lines[len(t.lines)-lastLines:]...)
	}
}

// text returns the lines that were kept.
func (t *trace) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines
	if !t.whole {
		lines = lines[max(0, len(lines)-lastLines):]
	}
	return strings.Join(lines, "\n") + "\n"
}

// fingerprint returns a text that differs for runs that differ in any line.
func (t *trace) fingerprint() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d lines, %016x", t.count, t.sum.Sum64())
}
