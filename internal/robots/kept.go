package robots

import "sync"

// maxKept is how many results are kept that could not be stored in the cache.
const maxKept = 256

// kept holds results that could not be stored in the cache, by origin, so that they need
// not be requested again. Another request would come too early if the robots.txt has a
// Crawl-delay. It is safe for concurrent use.
type kept struct {
	mu  sync.Mutex
	all map[string]record
}

func (k *kept) put(origin string, rec record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = make(map[string]record)
	}
	if len(k.all) < maxKept {
		k.all[origin] = rec
	}
}

// take returns and removes the result for an origin.
func (k *kept) take(origin string) (rec record, found bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rec, found = k.all[origin]
	delete(k.all, origin)
	return rec, found
}
