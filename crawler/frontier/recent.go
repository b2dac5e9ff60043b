package frontier

import (
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/crawler"
)

// fingerprint is what seen holds of a URL: 64 bits of the SHA-256 of what it is
// to the job, so that nobody can make a URL that hides another. Two of n URLs
// share one with a chance of n²/2⁶⁵: 3 in a million at ten million.
func (f *Frontier) fingerprint(u crawler.URL) int64 {
	sum := sha256.Sum256([]byte(f.identity.Key(u)))
	return int64(binary.LittleEndian.Uint64(sum[:]))
}

// recentSlots is how many fingerprints a process remembers of a job: 1 MiB.
const recentSlots = 1 << 17

// recent remembers fingerprints that are certainly in seen, so that links which
// every page of a site repeats are not asked of Redis again. It forgets at
// random, and all of it when a connection is made: the Redis behind it may have
// died, and have lost what it said last. It is safe for concurrent use.
type recent struct {
	slots   []atomic.Int64 // 0: empty
	forgets atomic.Int64   // how often all was forgotten
}

func newRecent() *recent { return &recent{slots: make([]atomic.Int64, recentSlots)} }

func (r *recent) has(fp int64) bool { return fp != 0 && r.slot(fp).Load() == fp }

func (r *recent) add(fp int64) { r.slot(fp).Store(fp) }

func (r *recent) forget() {
	r.forgets.Add(1) // first: who finds it unchanged has asked nothing of what is cleared
	for i := range r.slots {
		r.slots[i].Store(0)
	}
}

func (r *recent) slot(fp int64) *atomic.Int64 {
	return &r.slots[uint64(fp)>>40%recentSlots]
}
