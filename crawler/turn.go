package crawler

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// ErrStale says that a visit is no longer, or never was, the one that holds its
// host: its deadline passed and the host was given to another. Whatever it has
// not settled will be done by that one.
var ErrStale = errors.New("the visit no longer holds its host")

// ErrSpent says that all pages of the job's budget are fetched or promised to
// visits that are under way.
var ErrSpent = errors.New("the job's budget of pages is spent or promised")

// ErrUnavailable says that the frontier can not be had now: its Redis is not
// reached, is starting, or is full. What was asked may or may not have been done;
// to ask again does no harm.
var ErrUnavailable = errors.New("the frontier can not be had now")

// Order names a visit: a turn at one host of a job. The epoch is the fencing
// token: each turn at a host has a higher one than the turn before.
type Order struct {
	Host  Host
	Epoch int64
}

// Frontier is what a visit asks of the frontier of its job. It is safe for
// concurrent use.
type Frontier interface {
	// Open begins the turn. It returns ErrStale if the order was overtaken.
	Open(ctx context.Context, o Order, worker string) (Turn, error)
	// Admit adds the entries whose URLs were never seen to the queues of their
	// hosts, and returns how many these are. Where depth decides what is admitted
	// ([Job.DepthLimit]), a URL that was seen gets the smaller depth, and the links
	// of its page, if they are remembered, are admitted again before the job ends.
	Admit(ctx context.Context, entries []Entry) (fresh int, err error)
}

// Turn is an open visit's hold on its host. Every method that fails
// returns ErrStale once the host was given to another, and extends the turn's
// deadline by a lease otherwise. A Turn is used by one goroutine
// at a time, but for Claim, Renew, Rules,
// Sharing, Short and Recalled, which may be called at any time.
type Turn interface {
	// Wait is how long after Open the first request may be made.
	Wait() time.Duration
	// Owed is what earlier turns of the job left owed to the host: when the last request
	// was made, which is zero when that is not known, and the time between requests.
	Owed() (last time.Time, gap time.Duration)
	// Standing is what earlier turns left to be remembered of the host.
	Standing() Standing
	// Rules are what the operator had decided about the host when Open, Take or
	// Renew was last called.
	Rules() HostRules
	// Sharing is what the turn knows of other jobs at its host, as of when Open, Take or
	// Renew was last called.
	Sharing() Sharing
	// Short reports whether a host of the job had been due for a while, without a
	// place in the fleet for its visit, when Renew was last called.
	Short() bool
	// Recalled reports whether another job, or a host with urgent URLs, should have the
	// place of the visit, which is to end soon, when Take or Renew was last called.
	Recalled() bool
	// Lease is for how long each call extends the turn.
	Lease() time.Duration
	// Take moves up to n URLs from the host's queue into flight. gap is the
	// time to be kept between requests to the host should this turn break. It
	// returns ErrSpent when the job's budget of pages allows none. A URL that a
	// broken turn held is taken alone, and those before it without it.
	Take(ctx context.Context, n int, gap time.Duration) ([]Taken, error)
	// Claim takes a URL of this host, that a redirect led to, straight into
	// flight. It reports false if the URL was seen before.
	Claim(ctx context.Context, e Entry) (ticket string, fresh bool, err error)
	// Occupy takes an address for this turn, until it is closed. While another has
	// it the host is lined up for it.
	Occupy(ctx context.Context, ip netip.Addr) (Occupancy, error)
	// Recognise returns for each page the URL of the host's first page that had the
	// same content; the zero URL when that is the page itself, or is not known. It
	// may be called again with the same pages.
	Recognise(ctx context.Context, pages []Content) ([]URL, error)
	// Remember keeps what pages of the host lead to, and returns for each how deep it
	// is now, in the same moment: if it comes nearer later, its links are admitted
	// again. It may be called again with the same pages. It is for jobs in which depth
	// decides what is admitted.
	Remember(ctx context.Context, pages []Outlinks) (depths []int, err error)
	// Settle ends the flight of URLs with their outcomes.
	Settle(ctx context.Context, done []Settlement) error
	// Renew extends the turn. gap is as for Take.
	Renew(ctx context.Context, gap time.Duration) error
	// Close gives the host back. URLs that were not settled return to the front
	// of the queue.
	Close(ctx context.Context, r Rest) error
}

// Rest is how a visit leaves its host.
type Rest struct {
	Wait time.Duration // in which no request may be made to it
	// Last is how long ago the last request was made that the turn knows of, also by
	// another job; negative when it knows of none. Gap is the time between requests that this job owes the host.
	Last, Gap time.Duration
	// AddressWait is how long no request may be made to the address that the turn
	// occupied, and NotBefore how long no visit is due, because another has it.
	AddressWait, NotBefore time.Duration
	Failure                string   // the first URL that failed for good in this turn, and why; "" for none
	Standing               Standing // what is to be remembered, but for Pages, which settling counts
}

// Occupancy is what a turn has of its host's address.
type Occupancy struct {
	Held   bool          // no other turn has it
	Wait   time.Duration // until a request may be made to it
	Others int           // hosts that wait for it
}

// Taken is an entry in flight, under the ticket that settles it.
type Taken struct {
	Ticket string
	Entry  Entry
}

// Content is what a page of the host had in it.
type Content struct {
	URL    URL
	Digest [32]byte // SHA-256
}

// Settlement is the fate of one entry in flight.
type Settlement struct {
	Ticket  string
	Outcome Outcome
	Bytes   int64
	// Incomplete says that the page lacks a required field.
	Incomplete bool
	// Over says that the URL was left out because of a budget of its host.
	Over bool
	// Segment is the part of the output that the record is in while it is only on this
	// machine: see [Outbox]. It is the same for all that are settled together. "" when
	// the record is where it belongs.
	Segment string
	// Claimed says that the entry was claimed, not taken.
	Claimed bool
	// Retry is the entry that goes back to the queue, and After the time until
	// it may be taken again, when Outcome is OutcomeRetry.
	Retry Entry
	After time.Duration
}
