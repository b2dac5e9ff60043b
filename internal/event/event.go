// Package event has what happens to a job as a whole: that it began, was paused, is done.
//
// An [Event] is made in Redis by the call that causes it, so that it is neither lost nor made
// twice. Its number counts the events of its job. Its ID is the same wherever it is passed on.
package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// Event is something that happened to a job.
type Event struct {
	Number int64 // 1 for the first event of the job
	Name   crawler.EventName
	Time   time.Time // by Redis's clock
	Reason string    // such as the budget that ended the job; "" for none
	// GivenUp are the hosts that [crawler.EventHostGivenUp] tells of; nil for other events.
	GivenUp *GivenUp
}

// MostHosts is how many hosts an event names at most.
const MostHosts = 100

// GivenUp are the hosts that were given up since the last event that told of some.
type GivenUp struct {
	Count int64 `json:"count"` // all of them
	// Hosts are at most [MostHosts] of them, sorted by name.
	Hosts []LostHost `json:"hosts"`
}

// LostHost is a host that was given up.
type LostHost struct {
	Host   crawler.Host `json:"host"`
	Reason string       `json:"reason"` // why its last request failed
}

// String describes the hosts in words.
func (g GivenUp) String() string {
	if len(g.Hosts) == 0 {
		return plain.Plural(g.Count, "host", "hosts")
	}
	first := fmt.Sprintf("%s (%s)", g.Hosts[0].Host, g.Hosts[0].Reason)
	if g.Count <= 1 {
		return first
	}
	return fmt.Sprintf("%s, and %s", first, plain.Plural(g.Count-1, "other host", "other hosts"))
}

// Parse parses an event as Redis keeps it: number, unix milliseconds, name and reason, which is
// JSON in an event about hosts.
func Parse(text string) (Event, error) {
	number, rest, _ := strings.Cut(text, " ")
	at, rest, _ := strings.Cut(rest, " ")
	name, reason, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	ms, wrong := strconv.ParseInt(at, 10, 64)
	if err != nil || wrong != nil || n < 1 || name == "" {
		return Event{}, fmt.Errorf("%.200q is not an event: want a number, milliseconds, a name and a reason", text)
	}
	e := Event{Number: n, Name: crawler.EventName(name), Time: time.UnixMilli(ms), Reason: reason}
	if e.Name == crawler.EventHostGivenUp {
		e.GivenUp = new(GivenUp)
		if err := json.Unmarshal([]byte(reason), e.GivenUp); err != nil {
			return Event{}, fmt.Errorf("%.200q is not an event about hosts: %w", text, err)
		}
		e.Reason = e.GivenUp.String()
	}
	return e, nil
}

// ID returns the identity of the event: the name of its job, when that was created, which
// distinguishes jobs of the same name, and the number of the event.
func (e Event) ID(job string, created time.Time) string {
	return fmt.Sprintf("%s-%s-%d", job, strconv.FormatInt(created.UnixMilli(), 36), e.Number)
}
