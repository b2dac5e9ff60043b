// Package heap says when the garbage collector begins.
//
// What lives of a crawler's heap is some 10 MiB in most crawls. A collector that
// begins whenever that has doubled runs dozens of times a second, and takes a tenth
// of the processor and the buffers in pools with it; here it leaves heaps alone that
// are small.
package heap

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Floor lets the heap grow to so many bytes before it is collected, from now on,
// and beyond them to twice what lives, as without it. A limit of memory
// ([debug.SetMemoryLimit]) stays above it. The last call counts; the operator's own
// word, GOGC, is over all. It is safe for concurrent use.
func Floor(bytes uint64) { set(rule{floor: bytes, least: 100}) }

// Growth has the heap collected when it has grown by so many percent of what lives,
// from now on. The operator's own word, GOGC, is over it. It is safe for concurrent
// use.
func Growth(percent int) { set(rule{least: percent}) }

// rule is when to collect.
type rule struct {
	floor uint64 // bytes
	least int    // percent by which the heap may grow in any case
}

// current is the rule, and what was told to the collector.
var current struct {
	sync.Mutex
	rule
	percent int
	follows bool // each collection is followed by a look at what it left
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

// follow applies the rule after each collection: one finds that nobody holds what
// the one before left here.
func follow() {
	runtime.AddCleanup(new(mark), func(struct{}) {
		apply()
		follow()
	}, struct{}{})
}

// mark is large enough not to share its memory with others, which would keep it
// alive.
type mark [64]byte

// apply tells the collector.
func apply() {
	current.Lock()
	defer current.Unlock()
	live, scanned := left()
	if percent := current.growth(live, scanned); percent != current.percent {
		debug.SetGCPercent(percent)
		current.percent = percent
	}
}

// left is what the last collection left alive, and what it looked through besides:
// with it the stacks and globals; 0 before the first.
func left() (live, scanned uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		scanned += s.Value.Uint64()
	}
	return samples[0].Value.Uint64(), scanned
}

// first is the heap that is first collected at 100 percent, and collected at the
// least: the runtime raises and lowers it with the percentage.
const first = 4 << 20

// growth is the percentage for [debug.SetGCPercent]: of what was scanned, by so much
// the heap may grow. It comes in steps of a tenth, since to set it stops the world.
func (r rule) growth(live, scanned uint64) int {
	if live >= r.floor {
		return r.least
	}
	const step = 1.1
	steps := math.Floor(math.Log(float64(r.floor-live)/float64(max(scanned, first))) / math.Log(step))
	return max(r.least, int(100*math.Pow(step, steps)))
}
