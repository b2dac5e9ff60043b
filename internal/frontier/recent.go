package frontier

import (
	"hash/maphash"
	"sync/atomic"
)

// recentSlots is how many URLs a process remembers for a job, in 1 MiB.
const recentSlots = 1 << 17

// recent remembers URLs that are certainly in seen, so that links repeated on every page of
// a site need no call to Redis. It forgets at random, and forgets everything when a
// connection is made: the Redis server may have died and lost its last writes. It is safe
// for concurrent use.
//
// It identifies a URL by 64 bits of a hash that is seeded per process, at a tenth of the
// cost of a fingerprint. Because of the seed, no one can construct a URL that is mistaken
// for another. A new URL is mistaken for a remembered one with a probability of 1 in 2⁴⁷:
// one in ten million for ten million URLs.
//
// The lowest bits of the hash are implied by the slot, and are replaced by the depth at
// which the URL was found. If it is found at a smaller depth, Redis is asked again.
type recent struct {
	hashed  func(key string) uint64
	slots   []atomic.Uint64 // 0: empty
	used    atomic.Bool     // a slot may not be empty
	forgets atomic.Int64    // how often everything was forgotten
}

// newRecent returns a recent with a hash of its own, unless hash is given.
func newRecent(hash func(key string) uint64) *recent {
	if hash == nil {
		seed := maphash.MakeSeed()
		hash = func(key string) uint64 { return maphash.String(seed, key) }
	}
	return &recent{hashed: hash, slots: make([]atomic.Uint64, recentSlots)}
}

// hash returns the hash of a URL's key.
func (r *recent) hash(key string) uint64 { return r.hashed(key) }

// depthBits are the bits of a slot that hold the depth.
const depthBits = 1<<7 - 1

// has reports whether a URL is remembered at this depth or a smaller one.
func (r *recent) has(hash uint64, depth int) bool {
	v := r.slot(hash).Load()
	return v != 0 && v|depthBits == hash|depthBits && int(v&depthBits) <= depth
}

func (r *recent) add(hash uint64, depth int) {
	r.slot(hash).Store(hash&^depthBits | uint64(depth))
	if !r.used.Load() { // last, so that a forget that has not seen it counts as one before this call
		r.used.Store(true)
	}
}

// forget empties all slots. A process makes many connections when it starts, and has nothing to
// forget then.
func (r *recent) forget() {
	r.forgets.Add(1) // first, so that a caller that finds it unchanged did not rely on the slots cleared below
	if !r.used.Swap(false) {
		return
	}
	for i := range r.slots {
		r.slots[i].Store(0)
	}
}

func (r *recent) slot(hash uint64) *atomic.Uint64 { return &r.slots[hash%recentSlots] }
