package crawler

import (
	"errors"
	"sync"
	"time"
)

// ErrSpill says that a body could not be held while it came: the disk that takes what
// memory has no room for is full, or cannot be written.
var ErrSpill = errors.New("the body of a page could not be held")

// Gate stops the requests of a job on one worker while its pages cannot be kept. It is
// shut by the visits that wait until theirs can be, and opens when none of them waits any
// more. Meanwhile the other visits end, and no site is asked for what could not be kept.
// It is safe for concurrent use.
type Gate struct {
	// Passes reports whether an error of a sink may pass: then it is worth waiting.
	passes func(error) bool

	mu      sync.Mutex
	waiting int           // visits
	why     error         // of the first that waits
	shut    chan struct{} // closed while visits wait
	opened  chan struct{} // closed while none does

	spills  int       // bodies in a row that could not be held
	spilled time.Time // when there was the last one
}

// NewGate returns a gate that is open. passes reports whether an error of a sink may
// pass, so that it is worth waiting.
func NewGate(passes func(error) bool) *Gate {
	g := &Gate{passes: passes, shut: make(chan struct{}), opened: make(chan struct{})}
	close(g.opened)
	return g
}

// Shut returns a channel that is closed when the gate is, or will be, shut next.
func (g *Gate) Shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut
}

// Opened returns a channel that is closed when the gate is open.
func (g *Gate) Opened() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened
}

// Reason is why the gate is shut, or was last.
func (g *Gate) Reason() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}

// enter notes that a visit waits because of an error.
func (g *Gate) enter(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting++; g.waiting == 1 {
		g.why, g.opened = why, make(chan struct{})
		close(g.shut)
	}
}

// leave notes that a visit waits no more.
func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting--; g.waiting == 0 {
		g.shut = make(chan struct{})
		close(g.opened)
	}
}

// Bounds of asking again for pages that could not be held: with each the room that there
// has to be before is doubled, and so is the pause.
const (
	spillRoom  = 4 << 20 // bytes
	spillPause = time.Second
	spillMost  = 10 * time.Minute
	spillTerm  = time.Hour // after which those before do not count
)

// spill notes that a body could not be held. It returns how many bytes of room there
// should be before pages are asked for again, and after what time at the earliest.
func (g *Gate) spill(limit int64) (room int64, pause time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.spilled) > spillTerm {
		g.spills = 0
	}
	room, pause = spillRoom, spillPause
	for range g.spills {
		room, pause = min(2*room, max(spillRoom, limit)), min(2*pause, spillMost)
	}
	g.spilled = time.Now()
	g.spills++
	return room, pause
}
