package fetch

import (
	"context"
	"errors"
	"time"
)

// errDeadline is the cause of a request's context once its time is up.
var errDeadline = errors.New("the time of the request is up")

// deadline ends the context of a request when its time is up. It can be
// stopped for a while: what our own house keeps waiting must not be held
// against the server. It is for one goroutine.
type deadline struct {
	ctx     context.Context // of the request
	caller  context.Context // without the deadline
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	timeout time.Duration // of the whole
	left    time.Duration // when the timer was last started
	since   time.Time     // when that was
}

func startDeadline(caller context.Context, timeout time.Duration) *deadline {
	d := &deadline{caller: caller, timeout: timeout, left: timeout, since: time.Now()}
	d.ctx, d.cancel = context.WithCancelCause(caller)
	d.timer = time.AfterFunc(timeout, func() { d.cancel(errDeadline) })
	return d
}

// passed reports whether the time was up before anything else ended the request.
func (d *deadline) passed() bool { return context.Cause(d.ctx) == errDeadline }

// slow reports whether the body came too slowly before anything else ended the
// request.
func (d *deadline) slow() bool { return context.Cause(d.ctx) == errSlow }

// pause stops the time until resume.
func (d *deadline) pause() {
	d.timer.Stop()
	d.left -= time.Since(d.since)
}

func (d *deadline) resume() {
	d.since = time.Now()
	d.timer.Reset(max(0, d.left))
}

// stop ends the request: what is not read by now will not be.
func (d *deadline) stop() {
	d.timer.Stop()
	d.cancel(context.Canceled)
}
