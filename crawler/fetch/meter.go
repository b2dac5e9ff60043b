package fetch

import (
	"errors"
	"io"
	"sync"
	"time"
)

// errSlow is the cause of a request's context when its body comes too slowly.
var errSlow = errors.New("the body comes too slowly")

// meter ends a request whose body comes more slowly than so many bytes a second,
// over any window in which we wait for it. The time that we take ourselves is
// not counted. It is for one goroutine.
type meter struct {
	deadline *deadline
	least    int64 // bytes in a window
	window   time.Duration

	mu     sync.Mutex // the timer has a goroutine of its own
	timer  *time.Timer
	read   int64         // bytes in this window
	waited time.Duration // in this window
	since  time.Time     // when we began to wait; zero while we do not
}

// newMeter returns a meter for a body that must bring rate bytes a second.
func newMeter(d *deadline, rate int64, window time.Duration) *meter {
	return &meter{deadline: d, least: int64(float64(rate) * window.Seconds()), window: window}
}

// readFrom reads from a body as r.Read does.
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

// lapse is called when a window ends while we wait.
func (m *meter) lapse() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.since.IsZero() {
		return // what was waited for came meanwhile
	}
	m.judge()
	m.since = time.Now()
	m.timer.Reset(m.window)
}

// judge ends the request if the window brought too little, and begins another.
func (m *meter) judge() {
	if m.read < m.least {
		m.deadline.cancel(errSlow)
	}
	m.read, m.waited = 0, 0
}
