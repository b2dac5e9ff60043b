package queue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/latency"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Ports returns the ports of hosts, each once; "" stands for the scheme's default.
func Ports(hosts []crawler.Host) []string {
	var ports []string
	for _, h := range hosts {
		if port := h.Port(); !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}

// The states of hosts.
const (
	HostIdle  crawler.HostState = "idle"  // no URL waits
	HostDue   crawler.HostState = "due"   // it waits for a visit, or until one is due
	HostArmed crawler.HostState = "armed" // a visit is enqueued
	HostOpen  crawler.HostState = "open"  // a visit is open
)

// HostHealth is what the frontier remembers about a host from visit to visit.
type HostHealth struct {
	Pages               int64              // pages fetched
	ConsecutiveFailures int                // how often in a row the host refused a request or could not be reached
	Trouble             string             // the last failure
	Class               crawler.ErrorClass // class of the last failure
	// Patterns of URLs with nothing new, as TrapPatterns parses them; "" for none.
	Traps string
	// Latency is how long its responses took.
	Latency latency.Histogram
}

// HopelessFailures is added to the number of failures of a host that has never answered and
// never will: its name does not exist, or its certificate belongs to another host.
const HopelessFailures = 1 << 20

// Shown returns how often in a row the host refused a request or could not be reached, and
// whether it was given up because it has never answered and never will.
func (s HostHealth) Shown() (strikes int64, hopelessly bool) {
	return int64(s.ConsecutiveFailures % HopelessFailures), s.ConsecutiveFailures >= HopelessFailures
}

// unset stands for a rule that is not set.
const unset = "-"

// PackHostRules encodes r as the frontier stores it; "" if no rule is set. The first byte is 1 if
// the host is paused, so that a script can tell.
func PackHostRules(r crawler.HostRules) string {
	if !r.Paused && r.Delay == nil && r.Pages == 0 && len(r.Ask) == 0 {
		return ""
	}
	paused, delay := "0", unset
	if r.Paused {
		paused = "1"
	}
	if r.Delay != nil {
		delay = strconv.FormatInt(r.Delay.Milliseconds(), 10)
	}
	fields := []string{paused, delay, strconv.FormatInt(r.Pages, 10)}
	return strings.Join(append(fields, r.Ask...), " ")
}

// UnpackHostRules decodes what PackHostRules encoded.
func UnpackHostRules(s string) (crawler.HostRules, error) {
	if s == "" {
		return crawler.HostRules{}, nil
	}
	var r crawler.HostRules
	fields := strings.Fields(s)
	if len(fields) < 3 {
		return crawler.HostRules{}, fmt.Errorf("invalid rules of a host: %q", urltext.Clip(s))
	}
	r.Paused = fields[0] == "1"
	if fields[1] != unset {
		ms, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return crawler.HostRules{}, fmt.Errorf("invalid rules of a host: %q: %w", urltext.Clip(s), err)
		}
		d := time.Duration(ms) * time.Millisecond
		r.Delay = &d
	}
	if len(fields) > 3 {
		r.Ask = fields[3:]
	}
	var err error
	if r.Pages, err = strconv.ParseInt(fields[2], 10, 64); err != nil {
		return crawler.HostRules{}, fmt.Errorf("invalid rules of a host: %q: %w", urltext.Clip(s), err)
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

// Location is where a URL of a job is, and what is known about it there.
type Location struct {
	Place  Place
	Entry  Entry         // zero unless it waits or is in flight
	Before int64         // URLs that are taken before it, while it is in a queue
	Due    time.Duration // until it may be retried
}

// ParseHost parses a host as a person writes it, or takes it from a URL.
func ParseHost(text string) (crawler.Host, error) {
	written := text
	if !strings.Contains(written, "://") {
		written = "http://" + written + "/"
	}
	u, err := crawler.ParseURL(written)
	if err != nil {
		return "", fmt.Errorf("%q is not a host (write example.com or example.com:8080)", text)
	}
	return u.Host(), nil
}

// Robots is what the fleet remembers of the robots.txt of an origin.
type Robots struct {
	Origin      string    // such as "https://example.com"
	At          time.Time // when it was requested
	Unavailable string    // why it could not be fetched; "" if it could
	Text        string    // its lines for crawlers
}
