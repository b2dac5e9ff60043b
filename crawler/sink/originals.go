package sink

import (
	"crypto/sha1"
	"sync"
	"time"
)

// Bounds of a generation of originals.
const (
	mostOriginals     = 1 << 16
	mostOriginalBytes = 8 << 20 // of their URIs
)

// original is a response that later ones can refer to.
type original struct {
	id      recordID
	uri     string
	date    time.Time
	payload sha1sum
}

// originals remembers the responses of this writer, so that the same payload is
// written once, by its digest; and those that can be asked for again on a
// condition, for the answer that nothing was modified, by their URI. It holds
// two generations of 65,536 keys each, or less where their URIs have more than
// 8 MiB: the older one is forgotten when the younger one is full, but for what
// was referred to meanwhile. That is 40 MB at most. It is safe for concurrent
// use.
type originals struct {
	mu         sync.Mutex
	young, old map[sha1sum]original
	bytes      int // of the URIs in young
}

func newOriginals() *originals { return &originals{young: make(map[sha1sum]original)} }

// byURI is the key of what a URI led to. It can not be that of a payload, as far
// as SHA-1 goes.
func byURI(uri string) sha1sum { return sha1.Sum([]byte("uri\x00" + uri)) }

func (o *originals) find(key sha1sum) (original, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if found, ok := o.young[key]; ok {
		return found, true
	}
	found, ok := o.old[key]
	if ok {
		o.put(key, found)
	}
	return found, ok
}

// remember notes responses that were kept. The first one of a key stays.
func (o *originals) remember(kept map[sha1sum]original) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, r := range kept {
		if _, ok := o.young[key]; !ok {
			o.put(key, r)
		}
	}
}

func (o *originals) put(key sha1sum, r original) {
	if len(o.young) >= mostOriginals || o.bytes+len(r.uri) > mostOriginalBytes {
		o.old, o.young, o.bytes = o.young, make(map[sha1sum]original), 0
	}
	o.young[key] = r
	o.bytes += len(r.uri)
}
