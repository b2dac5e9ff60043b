package testsite

import (
	"math"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is one request to a site.
type Request struct {
	Host      string    // the host, by the address that received the request
	Method    string    // GET or HEAD
	Path      string    // with the query, as sent
	UserAgent string    // as sent
	Start     time.Time // when its head had been read; monotonic
	// When it could be read, earlier than Start on a busy machine; to 10ms on Linux, Start
	// elsewhere.
	Arrived  time.Time
	End      time.Time // when the response ended; zero until then
	InFlight int       // requests at the host when it began, itself included
	Status   int       // of the response; 0 until there is one
	Left     bool      // the client closed the connection before the response ended
}

// Log contains every request to a site in the order of their starts. It is safe for
// concurrent use; its zero value is empty.
type Log struct {
	mu       sync.Mutex
	requests []*Request
	inFlight map[string]int
	changed  chan struct{} // closed at the next start or end; nil if nothing waits
}

// begin records the start of a request.
func (l *Log) begin(host string, r *http.Request) *Request {
	there := arrived(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight == nil {
		l.inFlight = make(map[string]int)
	}
	l.inFlight[host]++
	req := &Request{
		Host: host, Method: r.Method, Path: r.RequestURI, UserAgent: r.UserAgent(),
		Start: time.Now(), Arrived: there, InFlight: l.inFlight[host],
	}
	l.requests = append(l.requests, req)
	l.notify()
	return req
}

// end records the end of a request, and whether its client had left.
func (l *Log) end(req *Request, status int, left bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight[req.Host]--
	req.End, req.Status, req.Left = time.Now(), status, left
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

// Len returns the number of requests so far.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.requests)
}

// Last returns the latest request to a host, or the zero Request.
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

// ByHost returns the requests so far by host.
func (l *Log) ByHost() map[string][]Request {
	hosts := make(map[string][]Request)
	for _, r := range l.Requests() {
		hosts[r.Host] = append(hosts[r.Host], r)
	}
	return hosts
}

// Count returns the number of requests for a path, with its query, at all hosts.
func (l *Log) Count(path string) int {
	n := 0
	for _, r := range l.Requests() {
		if r.Path == path {
			n++
		}
	}
	return n
}

// SmallestGap returns the shortest time between the starts of two requests to a host,
// except for the given paths, such as "/robots.txt". With fewer than two requests it
// returns the longest duration.
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

// MaxConcurrent returns the maximum number of simultaneous requests at a host.
func (l *Log) MaxConcurrent(host string) int {
	most := 0
	for _, r := range l.ByHost()[host] {
		most = max(most, r.InFlight)
	}
	return most
}
