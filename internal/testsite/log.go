package testsite

import (
	"math"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is one request that a site was asked.
type Request struct {
	Host      string    // the host that was asked, by the address it came in at
	Path      string    // with the query, as it was sent
	UserAgent string    // as it was sent
	Start     time.Time // when its head had been read; monotonic
	Arrived   time.Time // when it was there to be read, which is before Start on a busy machine; on Linux to 10ms, elsewhere Start
	End       time.Time // when it was answered; zero while it is not
	InFlight  int       // requests at the host when it began, itself included
	Status    int       // of the answer; 0 while there is none
}

// Log is every request to a site in the order of their starts. It is safe for
// concurrent use; its zero value is empty.
type Log struct {
	mu       sync.Mutex
	requests []*Request
	inFlight map[string]int
	changed  chan struct{} // closed at the next start or end; nil when nobody waits
}

// begin notes the start of a request.
func (l *Log) begin(host string, r *http.Request) *Request {
	there := arrived(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight == nil {
		l.inFlight = make(map[string]int)
	}
	l.inFlight[host]++
	noted := &Request{
		Host: host, Path: r.RequestURI, UserAgent: r.UserAgent(),
		Start: time.Now(), Arrived: there, InFlight: l.inFlight[host],
	}
	l.requests = append(l.requests, noted)
	l.notify()
	return noted
}

// end notes that a request was answered.
func (l *Log) end(noted *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight[noted.Host]--
	noted.End, noted.Status = time.Now(), status
	l.notify()
}

func (l *Log) notify() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Changed returns a channel that is closed when the next request starts or
// ends.
func (l *Log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// Requests returns the requests so far.
func (l *Log) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]Request, len(l.requests))
	for i, r := range l.requests {
		requests[i] = *r
	}
	return requests
}

// Len returns how many requests there were so far.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.requests)
}

// Last returns the last request to a host so far, or the zero Request.
func (l *Log) Last(host string) Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range slices.Backward(l.requests) {
		if r.Host == host {
			return *r
		}
	}
	return Request{}
}

// ByHost returns the requests so far of each host.
func (l *Log) ByHost() map[string][]Request {
	hosts := make(map[string][]Request)
	for _, r := range l.Requests() {
		hosts[r.Host] = append(hosts[r.Host], r)
	}
	return hosts
}

// Count returns how many requests there were for a path, with its query, at all
// hosts.
func (l *Log) Count(path string) int {
	n := 0
	for _, r := range l.Requests() {
		if r.Path == path {
			n++
		}
	}
	return n
}

// SmallestGap returns the least time between the starts of two requests to a
// host, leaving out the paths that are named, such as "/robots.txt". With fewer
// than two requests it is the longest duration there is.
func (l *Log) SmallestGap(host string, except ...string) time.Duration {
	gap := time.Duration(math.MaxInt64)
	var last time.Time
	for _, r := range l.ByHost()[host] {
		if slices.Contains(except, r.Path) {
			continue
		}
		if !last.IsZero() {
			gap = min(gap, r.Start.Sub(last))
		}
		last = r.Start
	}
	return gap
}

// MaxConcurrent returns the most requests that were ever in flight at a host.
func (l *Log) MaxConcurrent(host string) int {
	most := 0
	for _, r := range l.ByHost()[host] {
		most = max(most, r.InFlight)
	}
	return most
}
