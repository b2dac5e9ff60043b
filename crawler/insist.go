package crawler

import (
	"context"
	"errors"
	"time"
)

// How a visit waits for a frontier that can not be had: what it has fetched is
// not to be fetched again because Redis was away for a while.

// Pauses before the frontier is asked again: the first one, doubled with each.
const (
	againFirst = 50 * time.Millisecond
	againMost  = time.Second
)

// insist makes a call of the frontier until it is answered. It gives up when all that is
// under way must end: a visit that is told to end insists for its grace, so that what it
// has fetched is not fetched again because one answer was lost.
func (v *visit) insist(call func() error) error {
	for pause := againFirst; ; pause = min(2*pause, againMost) {
		err := call()
		if !errors.Is(err, ErrUnavailable) {
			return err
		}
		if pause == againFirst {
			v.log.Warn("the frontier can not be had: the visit waits for it", "error", err)
		}
		select {
		case <-time.After(pause):
		case <-v.doing.Done():
			return err
		}
	}
}

// held makes a call with the turn and notes for how long the host is held. It reports
// false, and the visit ends, when the call fails.
func (v *visit) held(call func(context.Context) error) bool {
	err := v.attempt(call)
	if err != nil {
		v.fail(err)
	}
	return err == nil
}

// attempt makes a call as held does, and leaves it to the caller what its error means.
func (v *visit) attempt(call func(context.Context) error) error {
	var asked time.Time
	err := v.insist(func() error {
		asked = time.Now()
		return v.within(call)
	})
	if err == nil {
		v.lease.renew(asked)
	}
	return err
}
