package simweb

import (
	"sync/atomic"
	"time"
)

// Ledger notes what was asked of a web. It is safe for concurrent use.
type Ledger struct {
	web      *Web
	asked    []atomic.Uint32 // by page: how often
	robots   []atomic.Uint32 // by host
	at       []atomic.Int32  // by host: requests under way
	first    []atomic.Int64  // by host: when the first one began, in nanoseconds since began
	last     []atomic.Int64  // by host: when the last one began
	opened   atomic.Int64    // when the first of all began
	ended    atomic.Int64    // when the last of all had its answer
	began    time.Time
	smallest atomic.Int64 // nanoseconds between two requests to a host

	forbidden, early, together, unknown atomic.Int64
}

func newLedger(w *Web) *Ledger {
	l := &Ledger{
		web: w, began: time.Now(),
		asked: make([]atomic.Uint32, w.Pages()), robots: make([]atomic.Uint32, w.Hosts()),
		at: make([]atomic.Int32, w.Hosts()), first: make([]atomic.Int64, w.Hosts()),
		last: make([]atomic.Int64, w.Hosts()),
	}
	l.smallest.Store(int64(time.Hour))
	return l
}

// begin notes a request to a host that is alive, and the return value its end.
func (l *Ledger) begin(host int, path string) (end func()) {
	if l.at[host].Add(1) > 1 {
		l.together.Add(1)
	}
	now := int64(time.Since(l.began)) + 1
	if before := l.last[host].Swap(now); before > 0 {
		l.near(max(0, now-before)) // two at once may pass one another here
	} else {
		l.first[host].Store(now)
		l.opened.CompareAndSwap(0, now)
	}
	l.note(host, path)
	return func() {
		l.at[host].Add(-1)
		l.ended.Store(int64(time.Since(l.began)) + 1)
	}
}

// Span is when the first request began and the last answer was given; zero times
// before the first.
func (l *Ledger) Span() (first, last time.Time) {
	if l.opened.Load() == 0 {
		return first, last
	}
	return l.began.Add(time.Duration(l.opened.Load())), l.began.Add(time.Duration(l.ended.Load()))
}

func (l *Ledger) near(gap int64) {
	for {
		least := l.smallest.Load()
		if gap >= least || l.smallest.CompareAndSwap(least, gap) {
			return
		}
	}
}

func (l *Ledger) note(host int, path string) {
	if path == "/robots.txt" {
		l.robots[host].Add(1)
		return
	}
	if l.robots[host].Load() == 0 {
		l.early.Add(1)
	}
	r, ok := l.web.pageOf(host, path)
	if !ok {
		l.unknown.Add(1)
		return
	}
	if l.web.forbidden(r) {
		l.forbidden.Add(1)
	}
	l.asked[l.web.first[host]+int64(r.Page)].Add(1)
}

// Account is what a crawl did, against what there is.
type Account struct {
	Asked     int64         // requests for pages
	Robots    int64         // requests for robots.txt
	Missed    int64         // pages that may be fetched, and were not asked for
	Twice     int64         // pages with status 200 or 404 that were asked for again, each time
	Forbidden int64         // requests that robots.txt forbids
	Early     int64         // requests to a host before its robots.txt was asked for
	Together  int64         // requests to a host while another was under way
	Unknown   int64         // requests for what no page links to
	Smallest  time.Duration // between the beginnings of two requests to a host
	Gaps      int64         // how many times two requests followed one another at a host
	Busy      time.Duration // between the first and the last request to a host, over all hosts
}

// Close adds up the ledger after a crawl of everything.
func (l *Ledger) Close() Account {
	a := Account{
		Forbidden: l.forbidden.Load(), Early: l.early.Load(), Together: l.together.Load(), Unknown: l.unknown.Load(),
		Smallest: time.Duration(l.smallest.Load()),
	}
	for host := range l.web.Hosts() {
		robots := int64(l.robots[host].Load())
		a.Robots += robots
		was := a.Asked
		a.Busy += time.Duration(l.last[host].Load() - l.first[host].Load())
		if l.web.dead(host) {
			continue
		}
		for page := range l.web.Size(host) {
			l.add(&a, Ref{host, page})
		}
		a.Gaps += max(0, robots+a.Asked-was-1)
	}
	return a
}

func (l *Ledger) add(a *Account, r Ref) {
	asked := int64(l.asked[l.web.first[r.Host]+int64(r.Page)].Load())
	a.Asked += asked
	switch {
	case asked == 0 && !l.web.forbidden(r):
		a.Missed++
	case asked > 1 && l.web.status(r) != 500: // which is to be tried again
		a.Twice += asked - 1
	}
}
