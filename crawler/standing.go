package crawler

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Standing is what the frontier remembers of a host from visit to visit.
type Standing struct {
	Pages   int64  // fetched
	Strikes int    // how often in a row the host refused a request or could not be reached
	Trouble string // what it was, the last time
	Traps   string // patterns of URLs that say nothing new, as MutedPatterns reads them; "" for none
}

// Refused reports whether the host, not the URL, turned the request away: 429
// (RFC 6585, 4) and 503 (RFC 9110, 15.6.4).
func (p *Page) Refused() bool {
	return p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
}

// Unreachable reports whether the request did not come to the host at all: its
// name has no address, or there is no connection to it.
func (p *Page) Unreachable() bool {
	if p.Fault == nil {
		return false
	}
	switch p.Fault.Kind {
	case FaultResolve, FaultConnect, FaultTLS:
		return true
	}
	return false
}

// standing is how a host receives a visit's requests. It is safe for concurrent
// use.
type standing struct {
	mu sync.Mutex
	Standing
	met    bool      // the host has answered before, to anything
	struck time.Time // when the last strike was; what was begun before it is the same trouble
}

// receive notes how the host took a request, and returns how long to leave it
// alone: as long as it asked, or a pause that doubles with each strike, beginning
// with first.
func (s *standing) receive(p *Page, first time.Duration, jitter Jitter) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := retryAfter(p)
	switch {
	case !p.Refused() && !p.Unreachable():
		if p.Status > 0 {
			s.met, s.Strikes, s.Trouble = true, 0, ""
		}
		return 0
	case p.Started.Before(s.struck):
		return asked
	}
	s.met = s.met || p.Refused()
	s.struck = time.Now()
	s.Strikes++
	s.Trouble = failure(p)
	if p.Unreachable() && !p.Fault.Passes && !s.met {
		s.Strikes = hopeless
	}
	if asked > 0 && s.Strikes == 1 {
		return asked
	}
	return max(asked, backoff(first, s.Strikes-1, jitter))
}

// hopeless is the number of strikes of a host that never answered, and will
// not: nobody has its name, or its certificate is not its own.
const hopeless = 1 << 20

// now returns what is to be remembered.
func (s *standing) now() Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Standing
}

// lost says why a host is given up that took so many strikes as tries; "" when
// it is not.
func (s *standing) lost(tries int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.Strikes >= hopeless:
		return "the host is given up: " + s.Trouble
	case s.Strikes >= tries:
		return fmt.Sprintf("the host is given up: it refused, or was not reached, %d times in a row, at last: %s", s.Strikes, s.Trouble)
	}
	return ""
}
