package visit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/blockpage"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/trace"
)

// requester makes the requests of a visit, one at a time at the host's pace. It is safe for
// concurrent use by the lanes.
type requester struct {
	visitor     *Visitor
	life        *lifetime
	lease       *leaseKeeper
	host        *hostState
	journal     *requestLog
	connections int
	log         *slog.Logger
	span        *trace.Span // the visit's; nil if it is not traced

	guest bool // the host is not that of the visit: no lease covers it

	busy atomic.Int64 // holds that are taken
}

// hold keeps a visit from giving up its place while a task is half done, such as a URL whose
// redirects are being followed: the next visit would have to begin again. A task takes its hold
// when its first request begins, and not while it waits for its turn. Only one goroutine uses a
// hold.
type hold struct {
	busy *atomic.Int64
	held bool
}

func (h *hold) take() {
	if !h.held {
		h.held = true
		h.busy.Add(1)
	}
}

func (h *hold) release() {
	if h.held {
		h.held = false
		h.busy.Add(-1)
	}
}

// robotsLimit is how much of a robots.txt is read. RFC 9309, 2.5 requires at least 500
// kibibytes.
const robotsLimit = 512 << 10

// policy returns what robots.txt says, and tdmrep.json if the job asks for it. It fetches
// the files with get, once per origin and visit; fresh says that it did so now. If
// robots.txt is unavailable for now, the visit ends and the host rests until the file may be
// requested again.
func (q *requester) policy(u crawler.URL,
	get func(crawler.URL, request) (*fetched.Page, error)) (r fetched.RobotsPolicy, fresh bool, err error) {
	q.host.policiesMu.Lock()
	defer q.host.policiesMu.Unlock()
	origin := u.Origin()
	if r, ok := q.host.policies[origin]; ok {
		return r, false, nil
	}
	whole := hold{busy: &q.busy} // with its redirects
	defer whole.release()
	held := func(_ context.Context, u crawler.URL) (*fetched.Page, error) {
		return get(u, request{robots: true, hold: &whole})
	}
	err = q.lease.retry(func() (err error) {
		r, err = q.visitor.robots.RobotsPolicy(q.life.doing, *q.visitor.settings(), u, held)
		return err
	})
	if err != nil {
		return fetched.RobotsPolicy{}, false, err
	}
	if r.Allowed == nil && r.Again > 0 && q.guest {
		return r, false, nil // the request is not made; a later page asks again
	}
	if r.Allowed == nil && r.Again > 0 {
		q.log.Info("robots.txt is unavailable", "origin", origin, "reason", r.Unavailable, "again", r.Again)
		q.host.pace.hold(r.Again)
		if q.host.health.lost(q.visitor.settings().HostTries) == "" {
			q.visitor.cfg.Rests(q.host.name, r.Unavailable, q.host.pace.remaining())
		}
		q.life.stop()
		return fetched.RobotsPolicy{}, false, errStopped
	}
	q.host.pace.widen(r.Delay)
	if q.visitor.job.TDMRep && !q.guest {
		held := func(_ context.Context, u crawler.URL) (*fetched.Page, error) {
			return get(u, request{rules: r.Text, hold: &whole})
		}
		err = q.lease.retry(func() (err error) {
			r, err = q.visitor.robots.WithReservations(q.life.doing, r, u, held)
			return err
		})
		if err != nil {
			return fetched.RobotsPolicy{}, false, err
		}
	}
	q.host.policies[origin] = r
	return r, true, nil
}

// request is a request and the rules that permit it.
type request struct {
	fetched.Request
	rules  *fetched.RobotsText
	robots bool            // it is a request for a robots.txt
	hold   *hold           // taken when the request begins, and kept
	along  bool            // it belongs to the previous request, and need not keep the gap
	ctx    context.Context // ends when the result has no use any more; nil: never
	jar    fetched.Jar     // has its cookies; nil: the job's jar
	// resends is how often the URL was requested before in vain.
	resends int
}

// fetch makes a request when its turn comes, and repeats it once if the fault asks for
// that.
func (q *requester) fetch(r request) (*fetched.Page, error) {
	page, err := q.fetchOnce(r)
	if err != nil || page.Fault == nil || !page.Fault.Again {
		return page, err
	}
	page.Release()
	r.resends++
	return q.fetchOnce(r)
}

// fetchOnce makes one request when its turn comes.
func (q *requester) fetchOnce(r request) (*fetched.Page, error) {
	if !q.guest {
		if err := q.lease.announceGap(); err != nil {
			return nil, err
		}
	}
	start, done, err := q.turn(r)
	if err != nil {
		return nil, err
	}
	defer done()
	r.hold.take()
	r.PortOpen, r.MinRate, r.Jar = q.visitor.scope.HasPort(r.URL.Host()), int64(q.visitor.settings().MinRate), r.jar
	if r.Jar == nil {
		r.Jar = q.visitor.jar
	}
	span := q.startRequest(r)
	q.life.timer.Enter(activity.Server)
	page, err := q.visitor.fetcher.Fetch(start.trace(q.life.fetching), r.Request)
	q.life.timer.Leave(activity.Server)
	endRequest(span, page, err)
	if err != nil {
		if q.life.fetching.Err() != nil {
			err = errStopped
		}
		return nil, err
	}
	start.end()
	if page.Fault != nil {
		page.Fault.Text = plain.Printable(page.Fault.Text)
	} else if !q.visitor.settings().KeepBlockPages {
		page.BlockPage = markOf(page)
	}
	q.journal.add(q.exchangeOf(r, start, page))
	q.host.pace.learn(start, q.visitor.settings().Throttle/float64(q.connections),
		page.Status >= 200 && page.Status < 300)
	q.receive(page, r.robots)
	return page, nil
}

// turn waits until a request may start. The caller must call done when the request is over.
func (q *requester) turn(r request) (s *start, done func(), err error) {
	ctx := q.life.starting
	if r.ctx != nil {
		limited, cancel := context.WithCancel(r.ctx)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		ctx = limited
	}
	q.life.timer.Enter(activity.Politeness)
	defer q.life.timer.Leave(activity.Politeness)
	if r.along {
		s, err = q.host.pace.join(ctx)
	} else {
		s, err = q.host.pace.wait(ctx)
	}
	if err != nil {
		return nil, nil, q.untimely(r)
	}
	given, err := q.guestTurn(ctx, s)
	var refused *render.Refusal
	switch {
	case errors.As(err, &refused):
		s.end()
		return nil, nil, err
	case err == nil && !q.lease.clock.over():
		return s, func() { s.end(); given() }, nil
	case err == nil:
		given()
	case ctx.Err() == nil: // trouble of the frontier
		s.end()
		return nil, nil, err
	}
	s.end()
	return nil, nil, q.untimely(r)
}

// untimely returns why a request was not made: its result has no use any more, or the visit ends.
func (q *requester) untimely(r request) error {
	if r.ctx != nil && r.ctx.Err() != nil && q.life.starting.Err() == nil {
		return r.ctx.Err()
	}
	return errStopped
}

// markOf returns the mark of a block page; "" for any other page.
func markOf(p *fetched.Page) string {
	r := blockpage.Response{Status: p.Status, Header: p.Header}
	if p.Body != nil {
		r.Body, r.Size = p.Body.Head, p.Body.Size
	}
	return blockpage.Find(r)
}

// receive lets the host rest if it refused the request or was not reached. It ends the
// visit if the host is given up.
func (q *requester) receive(p *fetched.Page, robots bool) {
	pause := q.host.health.receive(p, robots, q.visitor.settings().RetryPause, q.visitor.cfg.Jitter)
	if pause == 0 {
		return
	}
	if q.guest {
		q.host.pace.hold(pause)
		return
	}
	if q.host.health.lost(q.visitor.settings().HostTries) != "" {
		q.life.stop()
		return
	}
	q.log.Info("the host is left alone", "reason", failure(p), "for", pause)
	q.host.pace.hold(pause)
	if !robots { // policy reports those in more detail
		q.visitor.cfg.Rests(q.host.name, plain.Printable(failure(p)), pause)
	}
}

// Journal records the requests of a job, as evidence of how polite it was. It is safe for
// concurrent use.
type Journal interface {
	Note(ctx context.Context, requests []fetched.Exchange) error
}

// exchangeOf describes the request that returned page p.
func (q *requester) exchangeOf(r request, s *start, p *fetched.Page) fetched.Exchange {
	x := fetched.Exchange{
		Job: q.visitor.job.Name, Worker: q.visitor.cfg.Worker, URL: r.URL, Head: r.Head, Start: p.Started, Gap: s.gap,
		Status:  p.Status,
		Address: p.Address, Proxy: p.Proxy, RetryAfter: retryAfter(p), Rules: r.rules, Robots: r.robots,
	}
	if !s.sent.IsZero() && s.traced {
		x.Start = s.sent
	}
	x.Duration = p.Started.Add(p.Duration).Sub(x.Start)
	x.Guest = q.guest
	if q.visitor.job.Politeness == crawler.PolitenessJob {
		x.Politeness = crawler.PolitenessJob
	}
	if p.Fault != nil {
		x.Fault = p.Fault.Text
	}
	return x
}

// requestLog holds the requests that were made but are not in the journal yet. It is safe
// for concurrent use.
type requestLog struct {
	journal Journal // nil if the job keeps none

	mu       sync.Mutex
	requests []fetched.Exchange
}

// add remembers a request, which is written to the journal with the next batch.
func (l *requestLog) add(x fetched.Exchange) {
	if l.journal == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, x)
}

// flush writes the requests made since the last call to the journal.
func (l *requestLog) flush(ctx context.Context) error {
	l.mu.Lock()
	requests := l.requests
	l.requests = nil
	l.mu.Unlock()
	if len(requests) == 0 {
		return nil
	}
	err := l.journal.Note(ctx, requests)
	if err != nil { // keep them for the next call
		l.mu.Lock()
		defer l.mu.Unlock()
		l.requests = append(requests, l.requests...)
		return fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return nil
}
