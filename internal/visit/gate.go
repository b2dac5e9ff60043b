package visit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Gate stops the requests of a job on one worker while its pages cannot be kept. Visits
// that wait to keep their pages shut it; it opens when none of them waits any more. While it is
// shut, the other visits end, so that no site is asked for pages that could not be kept. A Gate is
// safe for concurrent use.
type Gate struct {
	// passes reports whether an error of a sink may pass if the visit waits.
	passes func(error) bool

	mu      sync.Mutex
	waiting int           // how many visits wait
	why     error         // the error of the first visit that waits
	shut    chan struct{} // closed while visits wait
	opened  chan struct{} // closed while no visit waits

	spills  int       // how many bodies in a row could not be stored
	spilled time.Time // when the last of them failed
}

// NewGate returns an open gate. passes reports whether an error of a sink may pass if the visit
// waits.
func NewGate(passes func(error) bool) *Gate {
	g := &Gate{passes: passes, shut: make(chan struct{}), opened: make(chan struct{})}
	close(g.opened)
	return g
}

// Shut returns a channel that is closed as soon as the gate is shut.
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

// Reason returns why the gate is shut, or why it was shut last.
func (g *Gate) Reason() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}

// enter records that a visit waits because of an error.
func (g *Gate) enter(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting++; g.waiting == 1 {
		g.why, g.opened = why, make(chan struct{})
		close(g.shut)
	}
}

// leave records that a visit no longer waits.
func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting--; g.waiting == 0 {
		g.shut = make(chan struct{})
		close(g.opened)
	}
}

// Bounds of retrying pages whose bodies could not be stored. Each failure in a row doubles
// the free space that is required before the next try, and the pause.
const (
	spillRoom  = 4 << 20 // bytes
	spillPause = time.Second
	spillMost  = 10 * time.Minute
	spillTerm  = time.Hour // after this time without a failure, the count starts over
)

// spill records that a body could not be stored. It returns how many bytes must be free
// before pages are fetched again, and the shortest pause until then.
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

// Pauses before a batch is kept again: the first, and the longest. Each doubles.
const (
	keepFirst = time.Second
	keepMost  = time.Minute
)

// persist repeats a call that keeps pages until it succeeds, as long as the error may pass.
// Meanwhile the job makes no requests on this worker. It returns false if it gives up: on any other
// error, when a program's sink has failed too often, when the visit is told to end, or when it has
// lost its host.
func (c *committer) persist(call func(context.Context) error) bool {
	err := c.lease.attempt(call)
	k := keeping{gate: c.visitor.gate, pause: c.visitor.cfg.KeepPause}
	if c.visitor.gate == nil || !errors.Is(err, ErrKeep) || !k.passes(err) {
		if err != nil {
			c.life.fail(k.final(err))
		}
		return err == nil
	}
	c.visitor.gate.enter(err)
	defer c.visitor.gate.leave()
	c.life.timer.Enter(activity.Output)
	defer c.life.timer.Leave(activity.Output)
	c.life.end(queue.EndWaits)
	c.log.Warn("pages cannot be kept: the visit waits", "error", err)
	for c.waited(k.pause) {
		k.pause = min(2*k.pause, keepMost)
		if err = c.lease.attempt(call); !errors.Is(err, ErrKeep) || !k.passes(err) {
			break
		}
		if isSink(err) { // there are few such errors, and they may all differ
			c.log.Warn("pages cannot be kept: a sink has failed again", "tries", k.sink, "error", err)
		}
	}
	if err != nil {
		c.life.fail(k.final(err))
	}
	return err == nil
}

// waited waits, and reports whether the visit may continue.
func (c *committer) waited(pause time.Duration) bool {
	select {
	case <-time.After(pause):
	case <-c.life.drain:
		return false
	case <-c.life.doing.Done():
		return false
	}
	c.lease.check()
	return c.life.ending != queue.EndStale
}

// spilled ends the visit because a body could not be stored.
func (c *committer) spilled(err error) {
	if c.unheld == nil {
		c.unheld = err
	}
	c.life.end(queue.EndWaits)
}

// awaitRoom waits until there is enough free space for the body that could not be stored.
// Only then does the visit give its host back, so that the URL is fetched again.
func (c *committer) awaitRoom() {
	if c.unheld == nil || c.life.failure != nil {
		return
	}
	room, pause := c.visitor.gate.spill(2 * int64(c.visitor.job.BodyLimit))
	c.visitor.gate.enter(c.unheld)
	defer c.visitor.gate.leave()
	c.log.Warn("a page cannot be held: the visit waits for room", "bytes", room, "error", c.unheld)
	for c.waited(pause) && c.visitor.room(room) != nil {
		pause = min(2*pause, keepMost)
	}
}

// SinkError is the error of [Handlers.Deliver] if a program's own sink cannot keep pages. The
// batch is delivered again after growing pauses, at most sinkTries times, and meanwhile the job
// makes no requests on this worker. Then, or at once if Err is [queue.ErrNoRetry], the visit ends
// with the error, and its URLs return to their queue. A SinkError is also [ErrKeep].
type SinkError struct {
	Err error
	// Tries is how often the batch had been delivered in vain when it was given up; 0 before that.
	Tries int
}

// Error says what the sink said, and how often it was tried.
func (e *SinkError) Error() string {
	if e.Tries > 1 {
		return fmt.Sprintf("%v (tried %d times)", e.Err, e.Tries)
	}
	return e.Err.Error()
}

// Unwrap returns the error of the sink, and ErrKeep.
func (e *SinkError) Unwrap() []error { return []error{e.Err, ErrKeep} }

// sinkTries is how often a batch is delivered. With pauses of a second that double up to a
// minute, that takes two minutes.
const sinkTries = 8

// GivenUp returns the error of a sink that is not tried any more; nil if err is not such an error.
func GivenUp(err error) *SinkError {
	var sink *SinkError
	if errors.As(err, &sink) && sink.Tries > 0 {
		return sink
	}
	return nil
}

// isSink reports whether err is an error of a program's own sink.
func isSink(err error) bool {
	var sink *SinkError
	return errors.As(err, &sink)
}

// keeping counts the tries of a batch that could not be kept.
type keeping struct {
	gate  *Gate
	pause time.Duration // before the next try
	sink  int           // how often a program's sink failed
}

// passes reports whether an error may pass, and so whether another try makes sense. It counts the
// tries of a program's sink.
func (k *keeping) passes(err error) bool {
	var sink *SinkError
	if !errors.As(err, &sink) {
		return k.gate.passes(err)
	}
	k.sink++
	return k.sink < sinkTries && !errors.Is(err, queue.ErrNoRetry)
}

// final returns the error with which the visit ends.
func (k *keeping) final(err error) error {
	var sink *SinkError
	if errors.As(err, &sink) && (k.sink >= sinkTries || errors.Is(err, queue.ErrNoRetry)) {
		return &SinkError{sink.Err, max(1, k.sink)}
	}
	return err
}
