package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// memory is shared by all bodies. There is one for their heads and one for the windows of
// their decoders. To rule out deadlocks, a body asks each memory only once, and holds none
// of it while it waits. A body that holds windows may wait for a head, but not vice versa.
type memory struct {
	bytes   *semaphore.Weighted
	held    atomic.Int64
	peak    atomic.Int64 // the most ever held, for tests
	waiting func()       // called before a wait, for tests; may be nil
}

func newMemory(bytes int64) *memory {
	return &memory{bytes: semaphore.NewWeighted(bytes)}
}

// take waits for n bytes, first come first served, with the deadline paused. The error is
// that of the caller's context.
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

// holding is a body and the resources to release with it.
type holding struct {
	body    fetched.Body
	f       *Fetcher
	first   *chunk   // contains the head, or
	large   *head    // contains the head
	charged int64    // bytes of memory
	spill   *os.File // may be nil
	once    sync.Once
}

// release may be called more than once, and concurrently.
func (h *holding) release() {
	h.once.Do(func() {
		h.body.Head, h.body.Spill = nil, nil
		if h.first != nil {
			h.f.chunks.Put(h.first)
		}
		h.f.heads.put(h.large)
		if h.charged > 0 {
			h.f.memory.give(h.charged)
		}
		if h.spill != nil {
			h.spill.Close()
		}
	})
}

// spillFile opens a file in dir and unlinks it.
func spillFile(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "trawl-body-")
	if errors.Is(err, fs.ErrNotExist) && dir != "" { // the folder was removed
		if err = os.MkdirAll(dir, 0o755); err == nil {
			file, err = os.CreateTemp(dir, "trawl-body-")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("fetch: %w: no temporary file: %w", fetched.ErrSpill, err)
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, fmt.Errorf("fetch: %w: unlink a temporary file: %w", fetched.ErrSpill, err)
	}
	return file, nil
}

// spilled wraps the error of a write to such a file.
func spilled(_ int, err error) error {
	if err != nil {
		return fmt.Errorf("fetch: %w: %w", fetched.ErrSpill, err)
	}
	return nil
}

// Room returns an error if the disk has no room for a body of that size outside memory.
func (f *Fetcher) Room(bytes int64) error {
	file, err := spillFile(f.cfg.TempDir)
	if err != nil {
		return err
	}
	zeros := make([]byte, min(bytes, 1<<20))
	for left := bytes; left > 0 && err == nil; left -= int64(len(zeros)) {
		err = spilled(file.Write(zeros[:min(left, int64(len(zeros)))]))
	}
	return errors.Join(err, file.Close())
}
