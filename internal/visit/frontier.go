package visit

import (
	"context"
	"net/netip"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/announce"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/need"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Frontier is what a visit needs from the frontier of its job. It is safe for concurrent
// use.
type Frontier interface {
	// Open opens a visit, and may take URLs in the same step: see [Start]. It returns
	// ErrStale if a newer visit of the host was ordered.
	Open(ctx context.Context, o queue.VisitRef, worker string, want Want) (HostLease, error)
	// Admit adds the entries whose URLs were never seen to the queues of their hosts, and
	// returns how many there were. Where depth decides what is admitted ([crawler.Job.DepthLimit]),
	// a URL seen before gets the smaller of its depths. If its depth becomes smaller, the
	// remembered links of its page are admitted again before the job ends.
	Admit(ctx context.Context, entries []queue.Entry) (fresh int, err error)
	// AddHomes adds hosts to the job's scope for every worker, as if they were hosts of
	// seeds. It does not open their private addresses or ports.
	AddHomes(ctx context.Context, hosts []crawler.Host) error
	// Spend reserves an amount of money for the job, in millionths of its currency, unless it
	// would then have spent more than most. A negative amount gives money back.
	Spend(ctx context.Context, amount, most int64) (reserved bool, err error)
	// Learn adds a rendered page to the lessons of a host about rendering, and returns these. If
	// page is nil, it only returns them.
	Learn(ctx context.Context, h crawler.Host, page *need.Taught) (map[need.Key]need.Lesson, error)
	// Guest takes the turn to request from a host that the visit does not hold, for the request with
	// the name by, and returns 0. While another such request of the fleet has the turn, or the gap
	// after the last one is not over, it returns how long to wait before the next call. gap is the
	// time to keep after the last such request. The turn ends with GuestDone, or after a while by
	// itself.
	Guest(ctx context.Context, h crawler.Host, by string, gap time.Duration) (wait time.Duration, err error)
	// GuestDone ends the turn. ago is how long ago the request was at the host, gap the time to keep
	// until the next one, and rest the time for which the host is left alone.
	GuestDone(ctx context.Context, h crawler.Host, by string, ago, gap, rest time.Duration) error
}

// Want is what a visit wants to take when it opens, so that most visits need no call of
// their own for their first URLs. The zero value is nothing.
type Want struct {
	// URLs is the most that are taken.
	URLs int
	// Gap is the time that the job keeps between requests to every host. Earlier visits may
	// owe this host more.
	Gap time.Duration
	// Ahead is how long the URLs should last: if there is a gap, no more are taken than
	// requests can be made within that time, but at least one.
	Ahead time.Duration
	// Call identifies the call. If it is repeated because its answer was lost, it opens the
	// same visit again, with the same URLs. "" means that it is not repeated. Two deliveries
	// of the same order are two calls: the second one gets ErrStale.
	Call string
}

// Start is what a visit took when it opened. It is empty if nothing waited, or if the
// frontier leaves the first take to the visit: under a budget of pages, at a host that
// fails or has rules.
type Start struct {
	Taken []queue.Taken
	// Dry reports that nothing else waited.
	Dry bool
	// Gap is the time to keep between requests if this visit breaks, as the frontier knows
	// it.
	Gap time.Duration
}

// HostLease is an open visit's lease on its host. Once the host was given to another visit,
// every method that can fail returns ErrStale. Otherwise each call, except Allow, extends
// the deadline by Lease. Only one goroutine may use a HostLease at a time, except for
// Claim, Renew, Rules, Sharing, Short and Recalled, which may be called at any time.
type HostLease interface {
	// Wait returns how long after Open the first request may be made.
	Wait() time.Duration
	// Owed returns what earlier visits of the job owe the host: the time of the last request,
	// zero if unknown, and the gap between requests.
	Owed() (last time.Time, gap time.Duration)
	// HostHealth returns what earlier visits remembered about the host.
	HostHealth() queue.HostHealth
	// Rules returns the operator's decisions about the host, as of the last call to Open,
	// Take or Renew.
	Rules() crawler.HostRules
	// Sharing returns what is known of other jobs at the host, as of the last call to Open,
	// Take or Renew.
	Sharing() queue.Sharing
	// Short reports whether, at the last call to Renew, a host of the job had been due for a
	// while because no place was free for its visit.
	Short() bool
	// Recalled reports whether the visit should end soon, as of the last call to Take or
	// Renew, because another job or a host with urgent URLs should have its place.
	Recalled() bool
	// Lease returns how long each call extends the lease.
	Lease() time.Duration
	// Allow reserves pages of the budget of the host's domain ([crawler.Job.PagesPerDomain]) for n
	// URLs to be taken next, and returns how many it could reserve. n is at least 1. If granted is
	// 0, spent says that the budget is used up, rather than reserved by visits of the domain's
	// hosts. A job without such a budget grants all.
	Allow(ctx context.Context, n int) (granted int, spent bool, err error)
	// Start returns what Open has taken.
	Start() Start
	// Take moves up to n URLs from the host's queue into flight. gap is the time to keep
	// between requests to the host if this visit breaks. Take returns ErrSpent if the job's
	// budget of pages allows none, and ErrSpilled if the next URLs were spilled and cannot be
	// read now. A URL that a broken visit held is taken alone, in a call of its own.
	Take(ctx context.Context, n int, gap time.Duration) ([]queue.Taken, error)
	// Claim takes a URL of this host that a redirect led to straight into flight. fresh is
	// false if the URL was seen before.
	Claim(ctx context.Context, e queue.Entry) (ticket string, fresh bool, err error)
	// Occupy claims an address for this visit, until the visit is closed. If another visit has
	// the address, the host is put in line for it.
	Occupy(ctx context.Context, ip netip.Addr) (queue.Occupancy, error)
	// Recognise returns, for each page, the URL of the host's first page with the same
	// content; the zero URL if that is the page itself or is not known. It may be called
	// again with the same pages.
	Recognise(ctx context.Context, pages []queue.Content) ([]crawler.URL, error)
	// Resemble returns, for each page, the URL of the first page of the job with nearly the
	// same main text; the zero URL if that is the page itself or is not known. A page that
	// resembles none is remembered, up to a bound. It may be called again with the same
	// pages.
	Resemble(ctx context.Context, pages []queue.Sketched) ([]crawler.URL, error)
	// Remember stores the outlinks of pages of the host and atomically returns the current
	// depth of each page. If a page is found at a smaller depth later, its links are
	// admitted again. Remember may be called again with the same pages. It is for jobs in
	// which depth decides what is admitted.
	Remember(ctx context.Context, pages []fetched.Outlinks) (depths []int, err error)
	// Announced compares what a sitemap or a feed of the host lists with what it listed when it was
	// last read. Pages whose date has changed are due again, as far as earlier announcements of the
	// site were right. It does nothing in a job that is not continuous. It may be called again with
	// the same list.
	Announced(ctx context.Context, list crawler.URL, entries []announce.Entry) error
	// Settle takes URLs out of flight, with their outcomes.
	Settle(ctx context.Context, done []queue.Settlement) error
	// Finish settles URLs as Settle does. If the host has no URL left after that, it closes the
	// visit in the same step, as Close does, and returns true. Finish may return false although
	// no URL is left.
	Finish(ctx context.Context, done []queue.Settlement, r queue.Rest) (closed bool, err error)
	// Renew extends the lease. gap is as for Take.
	Renew(ctx context.Context, gap time.Duration) error
	// Close gives the host back. URLs that were not settled return to the front of the
	// queue.
	Close(ctx context.Context, r queue.Rest) error
}
