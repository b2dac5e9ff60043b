package htmltree

import (
	"runtime"
	"testing"
	"time"
)

// Time in which a goroutine does not run, as on a busy machine, must not count.
func TestAStopwatchCountsTheTimeOfTheProcessor(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells the processor time of a thread")
	}
	const most = 20 * time.Millisecond
	w := StartWatch(most)
	defer w.Stop()
	time.Sleep(2 * most)
	for range 1000 {
		if w.Over() {
			t.Fatal("the time in which nothing was done counts")
		}
	}
	for !w.Over() { // which takes time
	}
}
