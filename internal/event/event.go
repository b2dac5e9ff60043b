// Package event has what happens to a job as a whole: that it began, was paused, is done.
//
// An [Event] is made in Redis by the call that causes it, so that it is neither lost nor made
// twice. Its number counts the events of its job. Its ID is the same wherever it is passed on.
package event

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Event is something that happened to a job.
type Event struct {
	Number int64 // 1 for the first event of the job
	Name   crawler.EventName
	Time   time.Time // by Redis's clock
	Reason string    // such as the budget that ended the job; "" for none
}

// Parse parses an event as Redis keeps it: number, unix milliseconds, name and reason.
func Parse(text string) (Event, error) {
	number, rest, _ := strings.Cut(text, " ")
	at, rest, _ := strings.Cut(rest, " ")
	name, reason, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	ms, wrong := strconv.ParseInt(at, 10, 64)
	if err != nil || wrong != nil || n < 1 || name == "" {
		return Event{}, fmt.Errorf("%.200q is not an event: want a number, milliseconds, a name and a reason", text)
	}
	return Event{Number: n, Name: crawler.EventName(name), Time: time.UnixMilli(ms), Reason: reason}, nil
}

// ID returns the identity of the event: the name of its job, when that was created, which
// distinguishes jobs of the same name, and the number of the event.
func (e Event) ID(job string, created time.Time) string {
	return fmt.Sprintf("%s-%s-%d", job, strconv.FormatInt(created.UnixMilli(), 36), e.Number)
}
