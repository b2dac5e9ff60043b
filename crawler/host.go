package crawler

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/trawlcrawler/trawl/internal/textform"
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

// HostState is the state of a host of a job: "idle" if no URL waits; "due" if the host waits
// for a visit, or until one is due; "armed" if a visit is enqueued; "open" during a visit.
type HostState string

// HostStatus is what the frontier knows about one host of a job.
type HostStatus struct {
	Host    Host      `json:"host"`
	State   HostState `json:"state"`
	Rules   HostRules `json:"rules"`
	Pages   int64     `json:"pages"`   // pages fetched
	Seen    int64     `json:"seen"`    // URLs ever admitted
	Waiting int64     `json:"waiting"` // URLs that wait
	Flight  int64     `json:"flight"`  // URLs in flight
	// How often in a row it refused a request or could not be reached.
	ConsecutiveFailures int64  `json:"strikes"`
	Trouble             string `json:"trouble"` // the last failure
	// It has never answered and never will, for example because its name does not exist.
	GivenUp bool   `json:"given_up,omitempty"`
	Worker  string `json:"worker"` // the worker that visits it
	Traps   []Trap `json:"muted"`  // patterns of URLs that were skipped at the last visit
	// Interval is the time between requests that the last visit actually kept, because of
	// the job's delay, robots.txt, the host's response time, other jobs, or its address.
	Interval time.Duration `json:"-"`
	// P50 and P95 are the times that half and 95 % of its recent responses did not exceed, as
	// visits that have ended measured them, accurate to a fifth; 0 if unknown.
	P50 time.Duration `json:"-"`
	P95 time.Duration `json:"-"`
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
	Delay *time.Duration `json:"delay"`
	// Pages is the largest number of pages fetched from the host, instead of the job's
	// pages_per_host. 0: the job's.
	Pages int64 `json:"pages"`
	// Ask lists patterns of URLs, as [Trap] names them, that are fetched even though they
	// look like a trap.
	Ask []string `json:"ask,omitempty"`
}

// MarshalJSON encodes the rules with the delay as "2s".
func (r HostRules) MarshalJSON() ([]byte, error) {
	rules, _ := textform.Form(&r)
	return json.Marshal(rules)
}

// UnmarshalJSON decodes what MarshalJSON encodes. Rules that are missing keep their values.
func (r *HostRules) UnmarshalJSON(text []byte) error {
	rules, keep := textform.Form(r)
	defer keep()
	return json.Unmarshal(text, rules)
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
