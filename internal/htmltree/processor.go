package htmltree

import (
	"runtime"
	"time"
)

// Stopwatch measures the processor time of the goroutine that started it. That is what a
// page costs, however busy the machine is. On systems that do not report it, a Stopwatch
// measures wall-clock time. A stopwatch locks the goroutine to its thread until it is
// stopped.
type Stopwatch struct {
	most  time.Duration
	began time.Duration
	calls uint
	late  bool
}

// StartWatch starts a stopwatch that is over after most.
func StartWatch(most time.Duration) *Stopwatch {
	runtime.LockOSThread()
	return &Stopwatch{most: most, began: threadTime()}
}

// Stop unlocks the goroutine from its thread.
func (w *Stopwatch) Stop() { runtime.UnlockOSThread() }

// Over reports whether the time is over. It asks the system only at every 64th call, so
// it is meant for frequent calls.
func (w *Stopwatch) Over() bool {
	const often = 64
	if w.calls++; w.calls%often == 0 && !w.late {
		w.late = threadTime()-w.began > w.most
	}
	return w.late
}
