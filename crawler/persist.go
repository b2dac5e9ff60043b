package crawler

import (
	"context"
	"errors"
	"time"
)

// How a visit waits until its pages can be kept: the disk is full, or cannot be written.
// It has them, and its host, for as long as it waits, so that they are not fetched again.

// Pauses before a batch is kept again: the first one, doubled with each.
const (
	keepFirst = time.Second
	keepMost  = time.Minute
)

// persist makes a call that keeps pages, again and again until they are kept, if what
// is in the way may pass. Meanwhile the job asks no site on this worker. It gives up
// when the visit is to end, or has lost its host: then it returns false.
func (v *visit) persist(call func(context.Context) error) bool {
	err := v.attempt(call)
	if v.gate == nil || !errors.Is(err, ErrKeep) || !v.gate.passes(err) {
		if err != nil {
			v.fail(err)
		}
		return err == nil
	}
	v.gate.enter(err)
	defer v.gate.leave()
	v.end(EndWaits)
	v.log.Warn("pages cannot be kept: the visit waits", "error", err)
	for pause := keepFirst; errors.Is(err, ErrKeep) && v.gate.passes(err); pause = min(2*pause, keepMost) {
		if !v.waited(pause) {
			break
		}
		err = v.attempt(call)
	}
	if err != nil {
		v.fail(err)
	}
	return err == nil
}

// waited waits, and reports whether the visit may go on.
func (v *visit) waited(pause time.Duration) bool {
	select {
	case <-time.After(pause):
	case <-v.drain:
		return false
	case <-v.doing.Done():
		return false
	}
	v.hold()
	return v.ending != EndStale
}

// spilled ends the visit because a body could not be held.
func (v *visit) spilled(err error) {
	if v.unheld == nil {
		v.unheld = err
	}
	v.end(EndWaits)
}

// awaitRoom waits until there is room for the body that could not be held, before the
// host is given back and its URL asked for again.
func (v *visit) awaitRoom() {
	if v.unheld == nil || v.failure != nil {
		return
	}
	room, pause := v.gate.spill(2 * int64(v.job.BodyLimit))
	v.gate.enter(v.unheld)
	defer v.gate.leave()
	v.log.Warn("a page cannot be held: the visit waits for room", "bytes", room, "error", v.unheld)
	for v.waited(pause) && v.room(room) != nil {
		pause = min(2*pause, keepMost)
	}
}
