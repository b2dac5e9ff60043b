package fleet

import (
	"sync"
	"time"
)

// lull is a time in which nothing happens in the fleet, as far as this process knows. Then the process
// asks Redis less often, because a signal ends the lull (see [frontier.Store.Tell]), and [watch] finds
// signals that were lost within two seconds. It is safe for concurrent use.
type lull struct {
	mu      sync.Mutex
	stirred time.Time     // when something last happened
	ended   chan struct{} // closed when the lull ends
}

// lullAfter is how long nothing must happen for a lull to begin.
const lullAfter = 10 * time.Second

func newLull() *lull { return &lull{stirred: time.Now(), ended: make(chan struct{})} }

// Stir notes that something happens, which ends the lull.
func (l *lull) Stir() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on() {
		close(l.ended)
		l.ended = make(chan struct{})
	}
	l.stirred = time.Now()
}

// On reports whether there is a lull.
func (l *lull) On() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.on()
}

func (l *lull) on() bool { return time.Since(l.stirred) >= lullAfter }

// Pause returns a channel for a pause between two looks: a usual one, or a long one during a lull.
// ended is closed when the lull ends.
func (l *lull) Pause(usual, long time.Duration) (over <-chan time.Time, ended <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on() {
		usual = max(usual, long)
	}
	return time.After(usual), l.ended
}
