package crawler

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Host is the unit of politeness: a lower-case host name, followed by ":port" unless it is
// the scheme's default. http://example.com and https://example.com are one Host.
type Host string

// Name returns the host name without the port, and an IPv6 address without its brackets.
func (h Host) Name() string {
	name := string(h)
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	return strings.Trim(name, "[]")
}

// Port returns the port, or "" for the scheme's default.
func (h Host) Port() string {
	i := strings.LastIndexByte(string(h), ':')
	if i < 0 || strings.HasSuffix(string(h), "]") {
		return ""
	}
	return string(h[i+1:])
}

// Ports returns the ports of hosts, each once; "" stands for the scheme's default.
func Ports(hosts []Host) []string {
	var ports []string
	for _, h := range hosts {
		if port := h.Port(); !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}

// Address returns the IP address if the host is written as one.
func (h Host) Address() (netip.Addr, bool) {
	a, err := netip.ParseAddr(h.Name())
	return a, err == nil
}

// Domain returns the registrable domain according to the Public Suffix List. For hosts
// without one, such as addresses and "localhost", it returns the whole name.
func (h Host) Domain() string {
	name := strings.TrimSuffix(h.Name(), ".")
	if _, ok := h.Address(); ok {
		return name
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return name
	}
	return domain
}

// HostHealth is what the frontier remembers about a host from visit to visit.
type HostHealth struct {
	Pages               int64      // pages fetched
	ConsecutiveFailures int        // how often in a row the host refused a request or could not be reached
	Trouble             string     // the last failure
	Class               ErrorClass // class of the last failure
	Traps               string     // patterns of URLs with nothing new, as MutedPatterns parses them; "" for none
}

// HopelessFailures is added to the number of failures of a host that has never answered and
// never will: its name does not exist, or its certificate belongs to another host.
const HopelessFailures = 1 << 20

// Shown returns how often in a row the host refused a request or could not be reached, and
// whether it was given up because it has never answered and never will.
func (s HostHealth) Shown() (strikes int64, hopelessly bool) {
	return int64(s.ConsecutiveFailures % HopelessFailures), s.ConsecutiveFailures >= HopelessFailures
}

// HostState is the state of a host of a job.
type HostState string

// The states of hosts.
const (
	HostIdle  HostState = "idle"  // no URL waits
	HostDue   HostState = "due"   // it waits for a visit, or until one is due
	HostArmed HostState = "armed" // a visit is enqueued
	HostOpen  HostState = "open"  // a visit is open
)

// HostStatus is what the frontier knows about one host of a job.
type HostStatus struct {
	Host                Host      `json:"host"`
	State               HostState `json:"state"`
	Rules               HostRules `json:"rules"`
	Pages               int64     `json:"pages"`              // pages fetched
	Seen                int64     `json:"seen"`               // URLs ever admitted
	Waiting             int64     `json:"waiting"`            // URLs that wait
	Flight              int64     `json:"flight"`             // URLs in flight
	ConsecutiveFailures int64     `json:"strikes"`            // how often in a row it refused a request or could not be reached
	Trouble             string    `json:"trouble"`            // the last failure
	GivenUp             bool      `json:"given_up,omitempty"` // it has never answered and never will, for example because its name does not exist
	Worker              string    `json:"worker"`             // the worker that visits it
	Muted               []Muted   `json:"muted"`              // patterns of URLs that were skipped at the last visit
	// Interval is the time between requests that the last visit actually kept, because of
	// the job's delay, robots.txt, the host's response time, other jobs, or its address.
	Interval time.Duration `json:"-"`
	// Due is the time until a visit is due, for a host that waits for one and is not
	// paused.
	Due time.Duration `json:"-"`
}

// HostRules are an operator's rules for one host of a job. They can change while the job
// runs. The zero value changes nothing.
type HostRules struct {
	// Paused stops all requests to the host. Its URLs wait, and so does the end of the job.
	Paused bool `json:"paused"`
	// Delay is the shortest time between the starts of two requests to the host. Nil: the
	// job's.
	Delay *Duration `json:"delay"`
	// Pages is the largest number of pages fetched from the host, instead of the job's
	// pages_per_host. 0: the job's.
	Pages int64 `json:"pages"`
	// Ask lists patterns of URLs, as [Muted] names them, that are fetched even though they
	// look like a trap.
	Ask []string `json:"ask,omitempty"`
}

// Validate returns an error for the first rule that is out of range, with its value.
func (r HostRules) Validate() error {
	switch {
	case r.Delay != nil && *r.Delay < 0:
		return fmt.Errorf("delay: %s is out of range: want 0 or more", *r.Delay)
	case r.Pages < 0:
		return fmt.Errorf("budget: %d is out of range: want 0 (the job's) or more", r.Pages)
	}
	for _, p := range r.Ask {
		if p == "" || strings.ContainsAny(p, " \t\n") {
			return fmt.Errorf("ask: %q is not a pattern of URLs as listed by trawl host show", p)
		}
	}
	return nil
}

// unset stands for a rule that is not set.
const unset = "-"

// Pack encodes r as the frontier stores it; "" if no rule is set. The first byte is 1 if
// the host is paused, so that a script can tell.
func (r HostRules) Pack() string {
	if !r.Paused && r.Delay == nil && r.Pages == 0 && len(r.Ask) == 0 {
		return ""
	}
	paused, delay := "0", unset
	if r.Paused {
		paused = "1"
	}
	if r.Delay != nil {
		delay = strconv.FormatInt(time.Duration(*r.Delay).Milliseconds(), 10)
	}
	fields := []string{paused, delay, strconv.FormatInt(r.Pages, 10)}
	return strings.Join(append(fields, r.Ask...), " ")
}

// UnpackHostRules decodes what Pack encoded.
func UnpackHostRules(s string) (HostRules, error) {
	if s == "" {
		return HostRules{}, nil
	}
	var r HostRules
	fields := strings.Fields(s)
	if len(fields) < 3 {
		return HostRules{}, fmt.Errorf("invalid rules of a host: %q", Clip(s))
	}
	r.Paused = fields[0] == "1"
	if fields[1] != unset {
		ms, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return HostRules{}, fmt.Errorf("invalid rules of a host: %q: %w", Clip(s), err)
		}
		d := Duration(time.Duration(ms) * time.Millisecond)
		r.Delay = &d
	}
	if len(fields) > 3 {
		r.Ask = fields[3:]
	}
	var err error
	if r.Pages, err = strconv.ParseInt(fields[2], 10, 64); err != nil {
		return HostRules{}, fmt.Errorf("invalid rules of a host: %q: %w", Clip(s), err)
	}
	return r, nil
}

// Place is where a URL of a job is.
type Place string

// The places of URLs.
const (
	PlaceUnseen  Place = "unseen"    // it was never admitted
	PlaceQueue   Place = "waiting"   // in the queue of its host
	PlaceLater   Place = "later"     // waits for its time to be retried
	PlaceFlight  Place = "in flight" // in flight in a visit
	PlaceSettled Place = "settled"   // has its outcome; or waits farther back than the search went
)

// Whereabouts is where a URL of a job is, and what is known about it there.
type Whereabouts struct {
	Place  Place
	Entry  Entry         // zero unless it waits or is in flight
	Before int64         // URLs that are taken before it, while it is in a queue
	Due    time.Duration // until it may be retried
}
