package warc

import (
	"crypto/sha1"
	"sync"
	"time"
)

// Bounds of a generation of originals.
const (
	maxOriginals     = 1 << 16
	maxOriginalBytes = 8 << 20 // of their URIs
)

// original is a response that later ones can refer to.
type original struct {
	id      recordID
	uri     string
	date    time.Time
	payload SHA1
}

// Originals remembers the responses of this writer. It finds them by payload digest, so
// that each payload is written once, and, for responses with a validator, by URI, so that
// a 304 response can refer to them. It holds two generations of 65,536 keys each, or
// fewer if their URIs exceed 8 MiB. When the younger generation is full, the older one is
// forgotten, except for keys that were used in the meantime. That is at most 40 MB. It is
// safe for concurrent use.
type Originals struct {
	mu         sync.Mutex
	young, old map[SHA1]original
	bytes      int // of the URIs in young
}

// NewOriginals returns an empty memory of responses.
func NewOriginals() *Originals { return &Originals{young: make(map[SHA1]original)} }

// byURI returns the key of a URI. It cannot be equal to the key of a payload unless SHA-1
// collides.
func byURI(uri string) SHA1 { return sha1.Sum([]byte("uri\x00" + uri)) }

func (o *Originals) find(key SHA1) (original, bool) {
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

// Remember notes responses that were kept. The first one with a key stays.
func (o *Originals) Remember(kept map[SHA1]original) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, r := range kept {
		if _, ok := o.young[key]; !ok {
			o.put(key, r)
		}
	}
}

func (o *Originals) put(key SHA1, r original) {
	if len(o.young) >= maxOriginals || o.bytes+len(r.uri) > maxOriginalBytes {
		o.old, o.young, o.bytes = o.young, make(map[SHA1]original), 0
	}
	o.young[key] = r
	o.bytes += len(r.uri)
}
