package visit

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// committer commits the work of the lanes: to the frontier, to the sinks, and to the handlers. It
// collects the URL tasks that are done into batches. It belongs to the leader.
type committer struct {
	visitor *Visitor
	life    *lifetime
	lease   *leaseKeeper
	journal *requestLog
	backlog *backlog
	log     *slog.Logger

	batch  []*urlTask // done but not settled
	waits  time.Time  // when the first URL task of the batch was done
	unheld error      // why a body could not be stored; the visit waits for room
	closed bool       // the visit was closed when the last batch was settled
	report queue.Report
}

// Bounds of a batch. It is committed when it reaches one of them.
const (
	flushURLs   = 64                     // URLs
	flushBytes  = 4 << 20                // bytes of bodies that were read
	flushBodies = 1536 << 10             // bytes of bodies that are held for a sink
	flushLinks  = 10_000                 // links; a sitemap may list this many
	flushAfter  = 250 * time.Millisecond // age of the batch in a worker with few visits
	flushEach   = 20 * time.Millisecond  // added to the age for each visit: together they commit 50 times a second
	flushLast   = 4 * time.Second        // the greatest age, for any number of visits
	flushTerm   = 20 * time.Second       // deadline for committing one batch
)

// add adds a URL task that is done to the batch.
func (c *committer) add(e *urlTask) {
	if len(c.batch) == 0 {
		c.waits = time.Now()
	}
	c.batch = append(c.batch, e)
}

// admitted returns how many new URLs were admitted so far.
func (c *committer) admitted() int64 { return c.report.Links }

// pages returns how many pages were fetched and settled so far.
func (c *committer) pages() int64 { return c.report.Pages }

// pending returns how many URL tasks wait to be settled.
func (c *committer) pending() int { return len(c.batch) }

// full reports whether the batch should be committed now.
func (c *committer) full() bool { return len(c.batch) >= flushURLs || c.heavy() }

// old reports whether the batch has waited long enough.
func (c *committer) old() bool {
	return len(c.batch) > 0 && time.Since(c.waits) >= c.visitor.patience()
}

// patience returns how long URLs may wait to be settled. When a worker has many polite
// visits, most of their cost to Redis is batches, and without waiting each batch would hold one
// page. So batches grow with the number of visits, unless that would keep bodies in memory. If the
// worker dies, the pages fetched during this time are fetched again.
func (w *Visitor) patience() time.Duration {
	if w.needs.Bodies {
		return flushAfter
	}
	return min(max(flushAfter, time.Duration(w.visits.Load())*flushEach), flushLast)
}

// heavy reports whether the batch should not grow any more.
func (c *committer) heavy() bool {
	bytes, links := int64(0), 0
	for _, e := range c.batch {
		bytes += e.weight()
		links += e.found()
	}
	most := int64(flushBytes)
	if c.visitor.needs.Bodies {
		most = flushBodies
	}
	return bytes >= most || links >= flushLinks
}

// flush commits the batch: it compares the pages with earlier ones (if the job looks for
// near duplicates), remembers what the pages link to (where depth decides what is
// admitted), admits their links, keeps their results, lets handlers deliver, and settles
// the URLs. The order guarantees that no URL is settled before its links and its record are
// safe.
func (c *committer) flush() { c.commit(nil) }

// flushLast commits the batch as flush does, when no URL is under way. If the host has no
// URL left after that, the frontier closes the visit in the same step. rest returns how the
// visit then leaves its host, given the first URL that failed.
func (c *committer) flushLast(rest func(failure string) queue.Rest) {
	if c.unheld != nil {
		rest = nil // the visit must not give its host back yet
	}
	c.commit(rest)
}

// commit commits the batch. If rest is nil, it does not close the visit.
func (c *committer) commit(rest func(failure string) queue.Rest) {
	if len(c.batch) == 0 || c.life.ending == queue.EndStale {
		return
	}
	if c.visitor.stopped(c.batch) {
		c.life.end(queue.EndDrained) // the URLs return to the queue
		return
	}
	if c.lease.clock.over() && !c.lease.held(c.lease.renew) {
		return // another visit holds the host and will fetch these URLs
	}
	work := c.gather()
	work.rest = rest
	defer work.releaseSegment()
	if c.persist(work.carryOut) {
		for _, e := range c.batch {
			if e.result.Outcome.Final() {
				e.result.Skipped = nil // already counted
			}
			e.reportTo(&c.report)
			c.visitor.cfg.Settled(&e.result)
			c.log.Debug("page", "url", e.result.Entry.URL.String(), "outcome", e.result.Outcome,
				"reason", e.result.Reason)
		}
		c.drop()
	}
}

// dismiss settles URLs that were taken but are not fetched. results are their records, or
// nil if they have none. It returns false if the visit ends because of that.
func (c *committer) dismiss(o crawler.Outcome, taken []queue.Taken, results []*fetched.Result) bool {
	if c.visitor.stopped(nil) {
		return false
	}
	settled := make([]queue.Settlement, len(taken))
	for i, t := range taken {
		settled[i] = queue.Settlement{Ticket: t.Ticket, Outcome: o, Over: o == crawler.OutcomeSkipped}
		if c.visitor.job.Recrawl.On() {
			settled[i].Page = queue.Sighting{Entry: t.Entry}
		}
		if i < len(results) {
			if settled[i].Cause = results[i].Cause(); settled[i].Cause != "" {
				settled[i].Failed = failedURL(t.Entry, results[i])
			}
		}
		if settled[i].Over {
			settled[i].Skipped = []queue.Skipped{overBudget(t.Entry)}
		}
	}
	for _, r := range results {
		if !r.Outcome.Failure() {
			continue
		}
		if _, err := c.visitor.tellError(c.life.doing, c.log, r); err != nil {
			return false // the URLs return to the queue
		}
	}
	delivered := false
	done := c.persist(func(ctx context.Context) error {
		if results != nil {
			segment, release, err := c.keep(ctx, results)
			if err != nil {
				return err
			}
			defer release()
			for i := range settled {
				settled[i].Segment = segment
			}
		}
		if !delivered && c.visitor.handlers != nil && len(results) > 0 && !results[0].Unrecorded {
			if err := c.visitor.handlers.Deliver(ctx, results); err != nil {
				return fmt.Errorf("deliver what handlers made: %w", err)
			}
			delivered = true
		}
		return c.lease.host.Settle(ctx, settled)
	})
	if done {
		c.report.Count(o, len(settled))
		for _, r := range results {
			c.visitor.cfg.Settled(r)
		}
	}
	return done
}

// blame reports what is wrong with the host, unless something else was reported before.
func (c *committer) blame(text string) {
	if c.report.Failure == "" {
		c.report.Failure = text
	}
	if c.report.Trouble == "" {
		c.report.Trouble = text
	}
}

// finish commits what is left when the visit ends, and the journal.
func (c *committer) finish() {
	if c.life.failure == nil { // otherwise it was tried already
		c.flush()
	}
	c.drop()
	if c.life.continues() {
		c.life.ending = queue.EndDry
	}
	if c.life.failure == nil && c.life.ending != queue.EndStale {
		c.persist(c.journal.flush)
		c.awaitRoom()
	} else if err := c.life.within(c.journal.flush); err != nil && c.life.failure == nil {
		c.life.failure = err
	}
	c.report.Ending = c.life.ending
}

// commitment is the work that is left to commit a batch. A step that has succeeded is not
// repeated when a later one has to be retried.
type commitment struct {
	committer   *committer
	compared    bool              // near duplicates are marked, and links are set
	deep        []*urlTask        // their outlinks are not remembered yet
	links       []queue.Entry     // not admitted yet
	results     []*fetched.Result // not kept yet
	undelivered []*fetched.Result // kept but not delivered to handlers yet
	announced   bool              // changes that sitemaps and feeds announce were looked for
	settlements []queue.Settlement
	release     func() // releases the segment that holds the results; nil if there isn't one
	rest        func(failure string) queue.Rest
}

// gather returns the work of the batch.
func (c *committer) gather() *commitment {
	w := &commitment{committer: c, results: make([]*fetched.Result, 0, len(c.batch))}
	if c.visitor.deep {
		w.deep = c.batch
	}
	urls := len(c.batch)
	for _, e := range c.batch {
		urls += len(e.claimed)
	}
	w.settlements = make([]queue.Settlement, 0, urls)
	for _, e := range c.batch {
		w.settlements = e.settlements(w.settlements)
		e.noteChange()
		if e.result.Outcome.Final() && e.result.Outcome != crawler.OutcomeFollowed {
			w.results = append(w.results, &e.result)
		}
	}
	return w
}

func (w *commitment) carryOut(ctx context.Context) error {
	if err := w.compare(ctx); err != nil {
		return err
	}
	if err := w.remember(ctx); err != nil {
		return err
	}
	fresh, err := w.committer.visitor.frontier.Admit(ctx, w.links)
	w.committer.report.Links += int64(fresh)
	if err != nil {
		return err
	}
	batchLists.give(&w.links)
	if err := w.announce(ctx); err != nil {
		return err
	}
	if w.committer.visitor.job.Duplicates {
		if err := w.committer.recognise(ctx, w.results); err != nil {
			return err
		}
	}
	if err := w.keep(ctx); err != nil {
		return err
	}
	if w.committer.visitor.handlers != nil {
		w.undelivered = append(w.undelivered, w.results...)
	}
	w.results = nil
	if err := w.deliver(ctx); err != nil {
		return err
	}
	if err := w.committer.journal.flush(ctx); err != nil {
		return err
	}
	w.settlements[0].Skipped = w.skipped()
	return w.settle(ctx)
}

// announce looks for pages that the sitemaps and feeds of the batch announce as changed. Pages that
// these list for the first time have been admitted as links before.
func (w *commitment) announce(ctx context.Context) error {
	if w.announced || !w.committer.visitor.job.Recrawl.On() {
		return nil
	}
	for _, e := range w.committer.batch {
		if doc := e.result.Document; doc != nil && len(doc.Dates) > 0 {
			if err := w.committer.lease.host.Announced(ctx, e.result.Entry.URL, doc.Dates); err != nil {
				return err
			}
		}
	}
	w.announced = true
	return nil
}

// settle settles the URLs, and closes the visit if it may end and the host has no URL left.
func (w *commitment) settle(ctx context.Context) (err error) {
	if w.rest == nil {
		return w.committer.lease.host.Settle(ctx, w.settlements)
	}
	report := queue.Report{Failure: w.committer.report.Failure}
	for _, e := range w.committer.batch {
		e.reportTo(&report)
	}
	w.committer.closed, err = w.committer.lease.host.Finish(ctx, w.settlements, w.rest(report.Failure))
	return err
}

// skipped returns the URLs that the pages of the batch linked to but that were not
// admitted.
func (w *commitment) skipped() (all []queue.Skipped) {
	for _, e := range w.committer.batch {
		if e.result.Outcome.Final() {
			all = append(all, e.result.Skipped...)
		}
	}
	return all
}

// deliver passes the kept results to the handlers.
func (w *commitment) deliver(ctx context.Context) error {
	if len(w.undelivered) == 0 {
		return nil
	}
	if err := w.committer.visitor.handlers.Deliver(ctx, w.undelivered); err != nil {
		return fmt.Errorf("deliver what handlers made: %w", err)
	}
	w.undelivered = nil
	return nil
}

// recognise marks pages that are copies of other pages of the host. It does not compare
// empty or truncated bodies, and it leaves alone pages that name their original themselves.
func (c *committer) recognise(ctx context.Context, results []*fetched.Result) error {
	var pages []queue.Content
	var whose []*fetched.Result
	for _, r := range results {
		if digest, known := r.Content(); known && r.DuplicateOf.IsZero() {
			pages, whose = append(pages, queue.Content{URL: r.Entry.URL, Digest: digest}), append(whose, r)
		}
	}
	if len(pages) == 0 {
		return nil
	}
	first, err := c.lease.host.Recognise(ctx, pages)
	for i, u := range first {
		whose[i].DuplicateOf = u
	}
	return err
}

// keep passes the results that are not kept yet to the sinks. If the records exist only on
// this machine so far, the settlements name their segment.
func (w *commitment) keep(ctx context.Context) error {
	if len(w.results) == 0 {
		return nil
	}
	segment, release, err := w.committer.keep(ctx, w.results)
	if err != nil {
		return err
	}
	w.release = release
	for i := range w.settlements {
		w.settlements[i].Segment = segment
	}
	return nil
}

// keep passes results to the sinks. It returns what [Outbox.KeepIn] returns; without an
// error, release is never nil.
func (c *committer) keep(ctx context.Context, results []*fetched.Result) (segment string, release func(), err error) {
	release = func() {}
	c.life.timer.Enter(activity.Output)
	defer c.life.timer.Leave(activity.Output)
	if outbox, ok := c.visitor.sink.(SegmentSink); ok {
		segment, release, err = outbox.KeepIn(ctx, results)
	} else {
		err = c.visitor.sink.Keep(ctx, results)
	}
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return segment, release, nil
}

// releaseSegment releases the segment that holds the results, so that it can be finished.
func (w *commitment) releaseSegment() {
	if w.release != nil {
		w.release()
	}
}

// drop releases the batch.
func (c *committer) drop() {
	for _, e := range c.batch {
		e.unskip() // only skips that were not settled count again
		e.result.Release()
		c.backlog.remove(e)
	}
	c.batch = c.batch[:0]
}
