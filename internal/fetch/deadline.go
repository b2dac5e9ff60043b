package fetch

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// errDeadline is the cause of a request's context once its time is up.
var errDeadline = errors.New("the time of the request is up")

// deadline ends the context of a request when its time is up. It can be paused while the
// request waits for local resources, which must not count against the server. It is for use
// by one goroutine.
type deadline struct {
	ctx     context.Context // of the request
	caller  context.Context // without the deadline
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	timeout time.Duration // in total
	left    time.Duration // when the timer was last started
	since   time.Time     // when the timer was last started
}

func startDeadline(caller context.Context, timeout time.Duration) *deadline {
	d := &deadline{caller: caller, timeout: timeout, left: timeout, since: time.Now()}
	d.ctx, d.cancel = context.WithCancelCause(caller)
	d.timer = time.AfterFunc(timeout, func() { d.cancel(errDeadline) })
	return d
}

// passed reports whether the request ended because its time was up.
func (d *deadline) passed() bool { return context.Cause(d.ctx) == errDeadline }

// slow reports whether the request ended because its body arrived too slowly.
func (d *deadline) slow() bool { return context.Cause(d.ctx) == errSlow }

// pause stops the clock until resume.
func (d *deadline) pause() {
	d.timer.Stop()
	d.left -= time.Since(d.since)
}

func (d *deadline) resume() {
	d.since = time.Now()
	d.timer.Reset(max(0, d.left))
}

// stop ends the request. Nothing more can be read.
func (d *deadline) stop() {
	d.timer.Stop()
	d.cancel(context.Canceled)
}

// errSlow is the cause of a request's context if its body arrives too slowly.
var errSlow = errors.New("the body comes too slowly")

// meter ends a request whose body arrives below a minimum rate over any window of waiting.
// Time spent locally does not count. It is for use by one goroutine.
type meter struct {
	deadline *deadline
	least    int64 // bytes per window
	window   time.Duration

	mu     sync.Mutex // needed because the timer runs in its own goroutine
	timer  *time.Timer
	read   int64         // bytes in this window
	waited time.Duration // in this window
	since  time.Time     // when the current wait began; zero if there isn't one
}

// newMeter returns a meter for a body that must arrive at rate bytes per second or more.
func newMeter(d *deadline, rate int64, window time.Duration) *meter {
	return &meter{deadline: d, least: int64(float64(rate) * window.Seconds()), window: window}
}

// readFrom reads like r.Read.
func (m *meter) readFrom(r io.Reader, p []byte) (int, error) {
	if m.least <= 0 {
		return r.Read(p)
	}
	m.begin()
	n, err := r.Read(p)
	m.end(n)
	return n, err
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since = time.Now()
	if m.timer == nil {
		m.timer = time.AfterFunc(m.window, m.lapse)
	} else {
		m.timer.Reset(m.window - m.waited)
	}
}

func (m *meter) end(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.timer.Stop()
	m.waited += time.Since(m.since)
	m.since = time.Time{}
	m.read += int64(n)
	if m.waited >= m.window {
		m.judge()
	}
}

// lapse is called when a window ends during a wait.
func (m *meter) lapse() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.since.IsZero() {
		return // the wait ended meanwhile
	}
	m.judge()
	m.since = time.Now()
	m.timer.Reset(m.window)
}

// judge ends the request if too little arrived in the window, and begins the next window.
func (m *meter) judge() {
	if m.read < m.least {
		m.deadline.cancel(errSlow)
	}
	m.read, m.waited = 0, 0
}
