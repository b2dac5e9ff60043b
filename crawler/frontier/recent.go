package frontier

import (
	"hash/maphash"
	"sync/atomic"
)

// recentSlots is how many URLs a process remembers of a job: 1 MiB.
const recentSlots = 1 << 17

// recent remembers URLs that are certainly in seen, so that links which every page
// of a site repeats are not asked of Redis again. It forgets at random, and all of
// it when a connection is made: the Redis behind it may have died, and have lost
// what it said last. It is safe for concurrent use.
//
// It knows a URL by 64 bits of a hash that is another in each process, so that
// nobody can make a URL that is taken for another, at a tenth of the cost of a
// fingerprint. A new URL is taken for one that is remembered with a chance of 1 in
// 2⁴⁷: a ten-millionth over ten million.
//
// The lowest bits, which the slot tells, give way to the depth at which the URL was
// brought: one that is brought nearer to a seed is asked of Redis again.
type recent struct {
	hashed  func(key string) uint64
	slots   []atomic.Uint64 // 0: empty
	forgets atomic.Int64    // how often all was forgotten
}

// newRecent returns one that knows URLs by a hash of its own, unless hash is given.
func newRecent(hash func(key string) uint64) *recent {
	if hash == nil {
		seed := maphash.MakeSeed()
		hash = func(key string) uint64 { return maphash.String(seed, key) }
	}
	return &recent{hashed: hash, slots: make([]atomic.Uint64, recentSlots)}
}

// hash is what URLs are known by here that have this key.
func (r *recent) hash(key string) uint64 { return r.hashed(key) }

// depthBits are those that a slot has of a depth.
const depthBits = 1<<7 - 1

// has reports whether a URL is remembered, at a depth that is no larger.
func (r *recent) has(hash uint64, depth int) bool {
	v := r.slot(hash).Load()
	return v != 0 && v|depthBits == hash|depthBits && int(v&depthBits) <= depth
}

func (r *recent) add(hash uint64, depth int) { r.slot(hash).Store(hash&^depthBits | uint64(depth)) }

func (r *recent) forget() {
	r.forgets.Add(1) // first: who finds it unchanged has asked nothing of what is cleared
	for i := range r.slots {
		r.slots[i].Store(0)
	}
}

func (r *recent) slot(hash uint64) *atomic.Uint64 { return &r.slots[hash%recentSlots] }
