package frontier

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/crawler"
)

// fingerprint is what seen holds of a URL: 64 bits of the SHA-256 of what it is
// to the job, so that nobody can make a URL that hides another. Two of n URLs
// share one with a chance of n²/2⁶⁵: 3 in a million at ten million.
func (f *Frontier) fingerprint(u crawler.URL) int64 { return fingerprintOf(f.identity.Key(u)) }

func fingerprintOf(key string) int64 {
	sum := sha256.Sum256([]byte(key))
	return int64(binary.LittleEndian.Uint64(sum[:]))
}

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

func (r *recent) has(hash uint64) bool { return hash != 0 && r.slot(hash).Load() == hash }

func (r *recent) add(hash uint64) { r.slot(hash).Store(hash) }

func (r *recent) forget() {
	r.forgets.Add(1) // first: who finds it unchanged has asked nothing of what is cleared
	for i := range r.slots {
		r.slots[i].Store(0)
	}
}

func (r *recent) slot(hash uint64) *atomic.Uint64 { return &r.slots[hash%recentSlots] }
