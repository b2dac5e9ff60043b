package fetch

import (
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// memory is what all bodies share: one for their heads, one for the windows of
// their decoders. Whoever waits for it holds none of it, and asks only once for
// a body, so that nobody can wait for ever while bodies are released. Who holds
// windows may wait for a head; who holds a head never waits for windows.
type memory struct {
	bytes   *semaphore.Weighted
	held    atomic.Int64
	peak    atomic.Int64 // the most that was ever held, for tests
	waiting func()       // called before a wait, for tests; may be nil
}

func newMemory(bytes int64) *memory {
	return &memory{bytes: semaphore.NewWeighted(bytes)}
}

// take waits for n bytes, first come first served, while the deadline stands
// still. The error is that of the caller's context.
func (m *memory) take(d *deadline, n int64) error {
	if !m.bytes.TryAcquire(n) {
		if err := m.wait(d, n); err != nil {
			return err
		}
	}
	m.note(m.held.Add(n))
	return nil
}

func (m *memory) wait(d *deadline, n int64) error {
	d.pause()
	defer d.resume()
	if m.waiting != nil {
		m.waiting()
	}
	return m.bytes.Acquire(d.caller, n)
}

func (m *memory) note(held int64) {
	for peak := m.peak.Load(); held > peak; peak = m.peak.Load() {
		if m.peak.CompareAndSwap(peak, held) {
			return
		}
	}
}

// give returns n of the bytes that were taken.
func (m *memory) give(n int64) {
	m.held.Add(-n)
	m.bytes.Release(n)
}
