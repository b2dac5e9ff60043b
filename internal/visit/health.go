package visit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/need"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// hostState is what a visit knows of its host: the pace that it owes it, how it receives
// requests, the traps on it, and its robots policies. The last fields belong to the leader;
// the rest is safe for concurrent use.
type hostState struct {
	name   crawler.Host
	pace   *pace
	health health
	traps  traps

	// careless says that the server answers 304 although no condition was sent. Then its answers to
	// conditions mean nothing.
	careless atomic.Bool

	lessons need.Lessons // what rendering the host's pages has taught
	recall  sync.Once    // reads the lessons from the frontier

	policiesMu sync.Mutex
	policies   map[string]fetched.RobotsPolicy // by origin

	crowded  bool // other jobs wait for the host
	occupied bool // the visit has the host's address
	parked   bool // another visit holds the host's address

	notBefore time.Duration // how long no visit is due because of the job's budget, or of spilled URLs
}

// newHostState starts from what earlier visits left in the frontier.
func newHostState(name crawler.Host, lease HostLease) *hostState {
	h := &hostState{
		name: name, pace: newPace(time.Now().Add(lease.Wait())), policies: make(map[string]fetched.RobotsPolicy, 1),
	}
	h.pace.inherit(lease.Owed())
	h.health.HostHealth = lease.HostHealth()
	h.health.met = h.health.Pages > 0
	h.health.served = h.health.met
	h.traps.recall(h.health.Traps)
	return h
}

// rest returns what the frontier should remember about the host when the visit ends.
// addressGap is the gap that the job owes the host's address, and failure the first URL that
// failed.
func (h *hostState) rest(addressGap time.Duration, failure string) queue.Rest {
	r := queue.Rest{
		Wait: h.pace.remaining(), Last: h.pace.ago(), Gap: h.pace.own(), HostHealth: h.health.now(), Failure: failure,
	}
	r.HostHealth.Traps = h.traps.keep()
	r.Kept = h.pace.interval()
	if h.occupied {
		r.Kept = max(r.Kept, addressGap)
		r.AddressWait = h.pace.left(addressGap)
	}
	r.NotBefore = h.notBefore
	if h.parked {
		r.NotBefore = max(r.NotBefore, parkedTime)
	}
	return r
}

// health tracks how a host responds to a visit's requests. It is safe for concurrent use.
type health struct {
	mu sync.Mutex
	queue.HostHealth
	met    bool      // the host has answered some request before
	served bool      // the host has answered a request for a page with 2xx before
	struck time.Time // time of the last failure; requests that began before it belong to the same one
}

// receive records how the host took a request, and returns how long to leave it alone: as
// long as the host asked for, or a pause that starts at first and doubles with each failure
// in a row. robots says that the request was for a robots.txt.
func (s *health) receive(p *fetched.Page, robots bool, first time.Duration, jitter Jitter) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Status > 0 {
		s.Latency.Add(p.Duration)
	}
	asked := retryAfter(p)
	switch {
	case !p.Refused() && !p.Unreachable():
		if p.Status > 0 {
			s.met, s.ConsecutiveFailures, s.Trouble, s.Class = true, 0, "", ""
			s.served = s.served || !robots && p.Status >= 200 && p.Status < 300
		}
		return 0
	case p.Started.Before(s.struck):
		return asked
	}
	s.met = s.met || p.Refused()
	s.struck = time.Now()
	s.ConsecutiveFailures++
	s.Trouble, s.Class = failure(p), p.ErrorClass()
	if p.Unreachable() && !p.Fault.Passes && !s.met {
		s.ConsecutiveFailures = queue.HopelessFailures + s.ConsecutiveFailures%queue.HopelessFailures
	}
	if asked > 0 && s.ConsecutiveFailures == 1 {
		return asked
	}
	return max(asked, backoff(first, s.ConsecutiveFailures-1, jitter))
}

// now returns the host health to remember.
func (s *health) now() queue.HostHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.HostHealth
}

// refuses reports whether the host as a whole turns requests away, rather than just the one
// URL that has failed this many times. That is so if it has turned away other URLs as well
// since its last answer. It is also so if it has never served a page, because then nothing
// tells the URL from its host.
func (s *health) refuses(tries int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ConsecutiveFailures > tries || s.ConsecutiveFailures == tries && !s.served
}

// lost says why a host that allows this many failures is given up; "" if it is not.
func (s *health) lost(tries int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ConsecutiveFailures >= queue.HopelessFailures:
		return "the host is given up: " + s.Trouble
	case s.ConsecutiveFailures >= tries && s.ConsecutiveFailures == 1:
		return "the host is given up: it refused, or was not reached: " + s.Trouble
	case s.ConsecutiveFailures >= tries:
		return fmt.Sprintf("the host is given up: it refused, or was not reached, %d times in a row, at last: %s",
			s.ConsecutiveFailures, s.Trouble)
	}
	return ""
}
