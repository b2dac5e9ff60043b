package htmltree

import (
	"syscall"
	"time"
)

// threadTime returns the processor time that the thread has used so far (getrusage(2)).
func threadTime() time.Duration {
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if syscall.Getrusage(thisThread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
