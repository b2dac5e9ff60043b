// Package heap sets when the garbage collector runs.
//
// The live heap of most crawls is about 10 MiB. A collector that runs whenever the heap has
// doubled runs dozens of times a second. That costs a tenth of the processor time, and also
// frees the buffers in pools. With this package, small heaps are not collected.
package heap

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Floor makes the heap grow to the given number of bytes before it is collected, and always by
// the given percentage of the live heap: as usual with 100. A memory limit
// ([debug.SetMemoryLimit]) still applies. The last call of Floor or Growth counts, but GOGC, if
// the operator sets it, takes precedence. Floor is safe for concurrent use.
func Floor(bytes uint64, percent int) { set(rule{floor: bytes, least: percent}) }

// Growth makes the heap be collected when it has grown by the given percentage of the live
// heap. GOGC, if the operator sets it, takes precedence. Growth is safe for concurrent use.
func Growth(percent int) { set(rule{least: percent}) }

// rule says when to collect.
type rule struct {
	floor uint64 // bytes
	least int    // percent by which the heap may always grow
}

// current is the rule, and what the collector was told.
var current struct {
	sync.Mutex
	rule
	percent int
	follows bool // apply runs after each collection
}

func set(r rule) {
	if os.Getenv("GOGC") != "" {
		return
	}
	current.Lock()
	current.rule = r
	begin := !current.follows && r.floor > 0
	current.follows = current.follows || begin
	current.Unlock()
	apply()
	if begin {
		follow()
	}
}

// follow applies the rule after each collection, because each collection finds the mark
// unreachable and runs its cleanup.
func follow() {
	runtime.AddCleanup(new(mark), func(struct{}) {
		apply()
		follow()
	}, struct{}{})
}

// mark is large enough not to share a memory block with other objects, which would keep it
// alive.
type mark [64]byte

// apply sets the collector's percentage.
func apply() {
	current.Lock()
	defer current.Unlock()
	live, scanned := left()
	if percent := current.growth(live, scanned); percent != current.percent {
		debug.SetGCPercent(percent)
		current.percent = percent
	}
}

// left returns what the last collection left alive, and the size of everything it scanned,
// including stacks and globals; 0 before the first.
func left() (live, scanned uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"},
		{Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		scanned += s.Value.Uint64()
	}
	return samples[0].Value.Uint64(), scanned
}

// first is the heap size of the first collection at 100 percent, and the minimum later. The
// runtime scales it with the percentage.
const first = 4 << 20

// growth returns the percentage for [debug.SetGCPercent], by which the heap may grow
// relative to what was scanned. It moves in steps of a tenth, because setting it stops the
// world.
func (r rule) growth(live, scanned uint64) int {
	if live >= r.floor {
		return r.least
	}
	const step = 1.1
	steps := math.Floor(math.Log(float64(r.floor-live)/float64(max(scanned, first))) / math.Log(step))
	return max(r.least, int(100*math.Pow(step, steps)))
}
