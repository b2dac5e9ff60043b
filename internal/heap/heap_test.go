package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestGrowthReachesTheFloor(t *testing.T) {
	for _, c := range []struct {
		live, scanned uint64
		goal          uint64 // the approximate heap size at the next collection
	}{
		{0, 0, 64 << 20}, // before the first collection
		{100 << 10, 200 << 10, 64 << 20},
		{1 << 20, 3 << 20, 63 << 20},
		{10 << 20, 12 << 20, 64 << 20},
		{31 << 20, 33 << 20, 64 << 20},
		{32 << 20, 34 << 20, 66 << 20}, // twice the live heap exceeds the floor
		{63 << 20, 65 << 20, 128 << 20},
		{100 << 20, 100 << 20, 200 << 20},
	} {
		percent := uint64(rule{floor: 64 << 20, least: 100}.growth(c.live, c.scanned))
		goal := max(c.live+c.scanned*percent/100, first*percent/100)
		if float64(goal) > 1.01*float64(c.goal) || float64(goal) < 0.9*float64(c.goal) {
			t.Errorf("with %d of %d bytes live, the next collection is at %d, want %d", c.scanned, c.live, goal, c.goal)
		}
	}
	if got := (rule{least: 20}).growth(50<<20, 52<<20); got != 20 {
		t.Errorf("without a floor the heap grows by %d percent, want 20", got)
	}
}

// With a floor, garbage of the size of the floor costs one collection; without it, many.
func TestFewCollectionsBelowTheFloor(t *testing.T) {
	if os.Getenv("GOGC") != "" {
		t.Skip("GOGC is set")
	}
	defer Growth(100)
	collections := func() uint32 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range 10 << 10 {
			kept = make([]byte, 32<<10) // 320 MiB in total
		}
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	// On a busy machine, collections take long, so that there are fewer, and the floor comes late.
	var with, without uint32
	for range 50 {
		Growth(100)
		without = collections()
		Floor(64<<20, 100)
		if with = collections(); 0 < with && 2*with <= without {
			break
		}
	}
	if with == 0 || 2*with > without {
		t.Errorf("%d collections with a floor, %d without", with, without)
	}
	Growth(20)
	if got := debug.SetGCPercent(20); got != 20 {
		t.Errorf("GOGC is set to %d percent, want 20", got)
	}
}

var kept []byte // keeps the compiler from optimizing the garbage away

func TestGOGCOverridesTheRule(t *testing.T) {
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "77")
	Floor(64<<20, 100)
	Growth(20)
	if got := debug.SetGCPercent(77); got != 77 {
		t.Errorf("GOGC is set to %d percent, want 77", got)
	}
}
