package explain

import (
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// Lines returns the explanation in words. A line without a name goes on with the line before.
func (x *Explanation) Lines() (lines []plain.Line) {
	line := func(name, format string, args ...any) {
		lines = append(lines, plain.Line{Name: name, Text: fmt.Sprintf(format, args...)})
	}
	line("URL", "%s", x.URL)
	if x.Given != x.URL.String() {
		line("", "normalised from %q", x.Given)
	}
	if x.Why == "" {
		line("job", "%s, %s", x.Job, x.State)
	} else {
		line("job", "%s, %s: %s", x.Job, x.State, x.Why)
	}
	x.printScope(line)
	if x.Trap != "" {
		line("trap", "%s", x.Trap)
	}
	if x.Robots != "" {
		line("robots.txt", "%s", x.Robots)
	}
	x.printPlace(line)
	x.printHost(line)
	x.printRecord(line)
	for _, damaged := range x.Damaged {
		line("damaged", "%s", damaged)
	}
	for _, r := range x.Requests {
		line("request", "at %s by %s: %s", r.Start, r.Worker, answerOf(r))
	}
	for _, why := range x.Unread {
		line("output", "%s", why)
	}
	return lines
}

func answerOf(r sink.Request) string {
	if r.Error != "" {
		return r.Error
	}
	return fmt.Sprintf("%d in %dms", r.Status, r.DurationMS)
}

func (x *Explanation) printPlace(line func(string, string, ...any)) {
	switch x.Place {
	case "":
		return
	case queue.PlaceUnseen:
		line("frontier", "it was never seen: no page that was read links to it, or links to it are not followed")
		return
	case queue.PlaceQueue:
		line("frontier", "it waits behind %s of its host", plain.Plural(x.Before, "other", "others"))
	case queue.PlaceLater:
		line("frontier", "it will be tried again in %v", time.Duration(x.DueMS)*time.Millisecond)
	case queue.PlaceFlight:
		line("frontier", "it is in flight in a visit")
	case queue.PlaceSettled:
		line("frontier", "%s", x.Settled())
		return
	}
	found := "a seed"
	if !x.Via.IsZero() {
		found = fmt.Sprintf("found on %s", x.Via)
	}
	line("", "%s, depth %d, priority %s, tried %s", found, x.Depth, x.Priority,
		plain.Plural(int64(x.Tries), "time", "times"))
}

// waitText returns the number of URLs that wait, in words.
func waitText(n int64) string { return plain.Plural(n, "URL waits", "URLs wait") }

func (x *Explanation) printHost(line func(string, string, ...any)) {
	h := x.Host
	if h == nil {
		return
	}
	switch {
	case h.Rules.Paused:
		line("host", "paused by an operator")
	case h.State == queue.HostDue:
		line("host", "a visit is due in %v; %s", h.Due, waitText(h.Waiting))
	case h.State == queue.HostOpen:
		line("host", "%s visits it; %s", h.Worker, waitText(h.Waiting))
	default:
		line("host", "%s; %s", h.State, waitText(h.Waiting))
	}
	if h.ConsecutiveFailures > 0 {
		line("", "it refused or could not be reached %s in a row: %s",
			plain.Plural(h.ConsecutiveFailures, "time", "times"), h.Trouble)
	}
}

func (x *Explanation) printRecord(line func(string, string, ...any)) {
	rec := x.Record
	if x.Records != nil && x.Records.Missing() > 0 {
		line("records", "%s", x.Records.Alarm(x.Called))
	}
	if rec == nil {
		if x.OfAnother != "" {
			line("record", "none: %s", x.OfAnother)
		}
		if x.Results != "" {
			line("record", "none in %s", x.Results)
		}
		return
	}
	line("record", "%s at %s by %s: status %d, %s", rec.Outcome, rec.FetchedAt, rec.Worker, rec.Status,
		plain.Bytes(rec.Bytes))
	if rec.Error != "" {
		line("", "%s", rec.Error)
	}
	if rec.Checked {
		line("", "only checked: it was requested, but not read for its content or links")
	}
	if rec.FinalURL != rec.URL {
		line("", "redirected to %s", rec.FinalURL)
	}
	if rec.MovedTo != "" {
		line("", "moved permanently to %s", rec.MovedTo)
	}
	if rec.Referrer != "" {
		line("", "found on %s, depth %d", rec.Referrer, rec.Depth)
	}
}

func (x *Explanation) printScope(line func(string, string, ...any)) {
	follows, not := "links to it are followed", "links to it are not followed: %s"
	switch x.As {
	case AsSitemap:
		follows, not = "it is in scope as a sitemap", "it is out of scope as a sitemap: %s"
	case AsResource:
		follows, not = "it is in scope as a resource of a page", "it is out of scope as a resource of a page: %s"
	}
	switch {
	case x.Record != nil && x.Record.Checked:
		line("scope", "it is out of scope: links to it are only checked")
	case x.Scope == "":
		line("scope", "%s", follows)
	default:
		line("scope", not, x.Scope)
	}
	switch x.Else {
	case AsSitemap:
		line("", "it is read if robots.txt or a sitemap names it as a sitemap")
	case AsResource:
		line("", "it is fetched if a page embeds it")
	}
}
