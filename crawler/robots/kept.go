package robots

import "sync"

// mostKept is how many answers are kept that the cache did not take.
const mostKept = 256

// kept are answers that the cache did not take, by origin: nobody is asked again for
// them, which would be too early if the answer has a Crawl-delay. It is safe for
// concurrent use.
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
	if len(k.all) < mostKept {
		k.all[origin] = rec
	}
}

// take returns and removes the answer of an origin.
func (k *kept) take(origin string) (rec record, found bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rec, found = k.all[origin]
	delete(k.all, origin)
	return rec, found
}
