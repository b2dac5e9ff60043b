package queue

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// How much is remembered of a URL that failed.
const (
	maxFailedReason = 300     // bytes
	maxFailedEntry  = 8 << 10 // bytes; a URL with more, such as one with much passed data, is only counted
)

// noSegment stands for no segment in a packed Failed.
const noSegment = "-"

// Failed is a URL that failed for good, or is gone.
type Failed struct {
	Entry   Entry     // with which it is queued again: it has no tries yet
	At      time.Time // when it was settled, by Redis's clock
	Cause   string    // as in [crawler.Counters.Causes]
	Outcome crawler.Outcome
	Reason  string
	Segment string // which has its record until that is shipped; "" for none
	Packed  string // what the frontier has of it, which identifies it there
}

// Pack encodes f for the frontier, which puts the time before it; "" if f is too large to be
// remembered.
func (f Failed) Pack() string {
	entry := f.Entry
	entry.Tries, entry.Spared, entry.Lost = 0, 0, 0
	packed := entry.Pack()
	if len(packed) > maxFailedEntry {
		return ""
	}
	reason := strings.ReplaceAll(f.Reason, "\n", " ")
	if len(reason) > maxFailedReason {
		reason = strings.ToValidUTF8(reason[:maxFailedReason], "") + "…"
	}
	segment := f.Segment
	if segment == "" {
		segment = noSegment
	}
	return fmt.Sprintf("%s %s %d %s\n%s\n%s", f.Outcome, segment, f.Entry.Band, f.Entry.URL.Host(), reason, packed)
}

// UnpackFailed decodes what the frontier has of a URL that failed with a cause.
func UnpackFailed(cause, packed string) (Failed, error) {
	f := Failed{Cause: cause, Packed: packed}
	head, rest, _ := strings.Cut(packed, "\n")
	reason, entry, whole := strings.Cut(rest, "\n")
	fields := strings.Fields(head)
	if !whole || len(fields) != 5 {
		return f, fmt.Errorf("invalid URL that failed with %q: %q", cause, head)
	}
	ms, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return f, fmt.Errorf("invalid URL that failed with %q: %w", cause, err)
	}
	band, err := strconv.ParseUint(fields[3], 10, 8)
	if err != nil || band >= Bands {
		return f, fmt.Errorf("invalid URL that failed with %q: band %q", cause, fields[3])
	}
	f.At, f.Outcome, f.Reason = time.UnixMilli(ms), crawler.Outcome(fields[1]), reason
	if fields[2] != noSegment {
		f.Segment = fields[2]
	}
	f.Entry, err = UnpackEntry(crawler.Host(fields[4]), Band(band), entry)
	return f, err
}

// StatusCause returns the HTTP status that a cause is, or false if it is an error class.
func StatusCause(cause string) (status int, ok bool) {
	status, err := strconv.Atoi(cause)
	return status, err == nil
}

// FailedFilter says which of the URLs that failed are meant. The zero value means all.
type FailedFilter struct {
	// Cause is a cause, as in [crawler.Counters.Causes]. "http" also means all statuses.
	Cause string
	Host  crawler.Host
}

// Admits reports whether f is meant.
func (w FailedFilter) Admits(f Failed) bool {
	return w.admitsCause(f.Cause) && (w.Host == "" || w.Host == f.Entry.URL.Host())
}

func (w FailedFilter) admitsCause(cause string) bool {
	_, status := StatusCause(cause)
	return w.Cause == "" || w.Cause == cause || w.Cause == string(crawler.ErrorHTTP) && status
}
