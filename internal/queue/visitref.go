package queue

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// ErrStale says that a visit does not hold its host, or no longer: its deadline passed and
// the host was given to another visit, which will do what this one has not settled.
var ErrStale = errors.New("the visit no longer holds its host")

// ErrSpent says that all pages of the job's budget have been fetched, or promised to open
// visits.
var ErrSpent = errors.New("the job's budget of pages is spent or promised")

// ErrSpilled says that waiting URLs were spilled, and cannot be read where they are now. They wait.
var ErrSpilled = errors.New("waiting URLs were spilled, and cannot be read now")

// StopPrefix begins the reason of a job that one of its handlers stops. The handler's reason
// follows.
const StopPrefix = "stopped: "

// ErrUnavailable says that the frontier is unavailable: its Redis cannot be reached, is
// starting, or is full. The operation may or may not have been carried out; repeating it
// does no harm.
var ErrUnavailable = errors.New("the frontier is unavailable")

// VisitRef identifies a visit to one host of a job. The epoch is the fencing token: each
// visit to a host has a higher one than the visit before.
type VisitRef struct {
	Host  crawler.Host
	Epoch int64
}

// Rest is how a visit leaves its host.
type Rest struct {
	Wait time.Duration // how long no request may be made to the host
	// Last is how long ago the last request was made that the visit knows of, even by
	// another job; negative if it knows of none. Gap is the time between requests that this
	// job owes the host.
	Last, Gap time.Duration
	// Kept is the time between requests that the visit actually kept, including what other
	// jobs owe the host, and what its address is owed.
	Kept time.Duration
	// AddressWait is how long no request may be made to the address that the visit occupied.
	// NotBefore is how long no visit is due, because another visit occupies the address.
	AddressWait, NotBefore time.Duration
	Failure                string     // the first URL that failed permanently in this visit, and why; "" for none
	HostHealth             HostHealth // what to remember, except Pages, which settling counts
	// GivenUp says that the host is given up: it has failed as often as the job allows.
	GivenUp bool
}

// Occupancy is the hold of a visit on its host's address.
type Occupancy struct {
	Held   bool          // no other visit holds it
	Wait   time.Duration // until a request may be made to the address
	Others int           // number of hosts that wait for it
}

// Taken is an entry in flight, with the ticket that settles it.
type Taken struct {
	Ticket string
	Entry  Entry
}

// Content is the content of a page of the host.
type Content struct {
	URL    crawler.URL
	Digest [32]byte // SHA-256
}

// Settlement is the fate of one entry in flight.
type Settlement struct {
	Ticket  string
	Outcome crawler.Outcome
	Bytes   int64
	// Incomplete says that the page lacks a required field.
	Incomplete bool
	// Items is how many items handlers emitted.
	Items int
	// Over says that the URL was skipped because of a budget of its host.
	Over bool
	// Cause is why the URL failed or is gone, for [crawler.Counters.Causes]; "" otherwise.
	Cause string
	// Failed is the URL as it is remembered, if Cause is not "". Its segment follows from Segment.
	Failed Failed
	// Skipped are skipped URLs to count. They may be in any of the settlements of one call.
	Skipped []Skipped
	// Segment is the part of the output that has the record while it is only on this
	// machine: see visit.SegmentSink. It is the same for all settlements of one call; "" if the
	// record is in its final place.
	Segment string
	// Claimed says that the entry was claimed, not taken.
	Claimed bool
	// Retry is the entry to requeue, and After the time until it may be taken again, if
	// Outcome is OutcomeRetry.
	Retry Entry
	After time.Duration
	// Page is what was found, in a continuous job; zero for a URL that belongs to the page of
	// another.
	Page Sighting
}

// Ending says why a visit ended.
type Ending string

// The endings of visits.
const (
	EndDry     Ending = "dry"     // nothing waits at the host
	EndBound   Ending = "bound"   // the visit reached its limit of time or pages
	EndPause   Ending = "pause"   // the host must be left alone for longer than the visit lasts
	EndLost    Ending = "lost"    // the host is given up
	EndSpent   Ending = "spent"   // a budget of the job was spent
	EndShare   Ending = "share"   // another job, or a host with urgent URLs, should have the place
	EndDrained Ending = "drained" // the worker or the job stops
	EndStale   Ending = "stale"   // the host was given to another visit
	EndWaits   Ending = "waits"   // pages of the job cannot be kept here, so no more are fetched
	EndError   Ending = "error"   // an internal error
)

// Report summarizes a visit. It is the result of its task.
type Report struct {
	Host   crawler.Host `json:"host"`
	Ending Ending       `json:"ending"`
	Pages  int64        `json:"pages"` // pages fetched
	Bytes  int64        `json:"bytes"` // bytes of all bodies
	Links  int64        `json:"links"` // new URLs admitted
	// Incomplete is the number of pages that lack a required field.
	Incomplete int64                   `json:"incomplete,omitempty"`
	Requested  int64                   `json:"asked"` // URLs for which a request was made
	Answer     time.Duration           `json:"-"`     // total time of these requests
	Outcomes   map[crawler.Outcome]int `json:"outcomes,omitempty"`
	First      string                  `json:"first,omitempty"` // URL
	Last       string                  `json:"last,omitempty"`  // URL
	// The first URL that could not be fetched properly, and why.
	Trouble  string        `json:"trouble,omitempty"`
	Failure  string        `json:"failure,omitempty"` // the first URL that failed permanently, and why
	Duration time.Duration `json:"-"`
	MS       int64         `json:"ms"` // Duration in milliseconds
}

// Count adds n URLs of an outcome.
func (r *Report) Count(o crawler.Outcome, n int) {
	if r.Outcomes == nil {
		r.Outcomes = make(map[crawler.Outcome]int)
	}
	r.Outcomes[o] += n
}

// ErrNoRetry marks an error of a handler as permanent: the page is not retried and ends as
// failed.
var ErrNoRetry = errors.New("it is not retried")

// Item is a value that a handler emitted for a page.
type Item struct {
	Value any             // as the handler emitted it
	JSON  json.RawMessage // as it is written to the output
}
