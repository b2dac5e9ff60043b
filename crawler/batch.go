package crawler

import (
	"context"
	"fmt"
	"time"
)

// How a visit brings what its lanes did back to the frontier and the sinks.

// Bounds of a batch.
const (
	flushURLs  = 64                     // settle at the latest after so many URLs,
	flushBytes = 4 << 20                // so many bytes of bodies,
	flushLinks = 10_000                 // so many links, as a sitemap may have,
	flushAfter = 250 * time.Millisecond // and so much time, or longer of many visits,
	flushEach  = 20 * time.Millisecond  // which together settle fifty times a second,
	flushLast  = 4 * time.Second        // but each after so much;
	flushTerm  = 20 * time.Second       // in which a batch must have been written
)

// patience is for how long URLs may wait to be settled. What a worker of many polite
// visits costs Redis is the batches, of which each would have a page: it lets them
// become larger, unless bodies would wait in memory with them. When it dies, the
// pages of so much time are fetched again.
func (v *visit) patience() time.Duration {
	if v.bodies {
		return flushAfter
	}
	return min(max(flushAfter, time.Duration(v.visits.Load())*flushEach), flushLast)
}

func (v *visit) heavy() bool {
	bytes, links := int64(0), 0
	for _, e := range v.batch {
		bytes += e.bytes() + e.result.itemBytes()
		links += e.found()
	}
	return bytes >= flushBytes || links >= flushLinks
}

// flush remembers what pages lead to, where depth decides what is admitted, admits the
// links of the batch, keeps its results, lets handlers deliver
// what they want done, and settles its URLs, in this order: so nothing is settled
// of which anything could be lost.
func (v *visit) flush() {
	if len(v.batch) == 0 || v.ending == EndStale {
		return
	}
	if v.lease.over() && !v.held(v.renew) {
		return // another holds the host: what we did is theirs to do
	}
	c := v.gather()
	defer c.letGo()
	if v.persist(c.carryOut) {
		for _, e := range v.batch {
			v.report.note(e)
			v.log.Debug("page", "url", e.result.Entry.URL.String(), "outcome", e.result.Outcome, "reason", e.result.Reason)
		}
		v.drop()
	}
}

// commitment is what is to be done with a batch. What of it is done stays done
// when the rest has to wait.
type commitment struct {
	visit       *visit
	deep        []*errand // whose outlinks are not remembered
	links       []Entry   // not admitted
	results     []*Result // not kept
	mail        []*Result // not delivered, of those that are kept
	settlements []Settlement
	release     func() // lets go of the segment that the results are in; nil when there is none
}

func (v *visit) gather() *commitment {
	c := &commitment{visit: v}
	links := 0
	for _, e := range v.batch {
		links += len(e.links)
	}
	c.links = make([]Entry, 0, links)
	if v.deep {
		c.deep = v.batch
	}
	for _, e := range v.batch {
		c.links = append(c.links, e.links...)
		c.settlements = e.settlements(c.settlements)
		if e.result.Outcome.Final() {
			c.results = append(c.results, &e.result)
		}
	}
	return c
}

func (c *commitment) carryOut(ctx context.Context) error {
	if err := c.remember(ctx); err != nil {
		return err
	}
	fresh, err := c.visit.frontier.Admit(ctx, c.links)
	c.visit.report.Links += int64(fresh)
	if err != nil {
		return err
	}
	c.links = nil
	if c.visit.job.Duplicates {
		if err := c.visit.recognise(ctx, c.results); err != nil {
			return err
		}
	}
	if err := c.keep(ctx); err != nil {
		return err
	}
	if c.visit.handlers != nil {
		c.mail = append(c.mail, c.results...)
	}
	c.results = nil
	if err := c.deliver(ctx); err != nil {
		return err
	}
	if err := c.visit.note(ctx); err != nil {
		return err
	}
	return c.visit.turn.Settle(ctx, c.settlements)
}

// deliver lets the handlers do what they want done with what is kept.
func (c *commitment) deliver(ctx context.Context) error {
	if len(c.mail) == 0 {
		return nil
	}
	if err := c.visit.handlers.Deliver(ctx, c.mail); err != nil {
		return fmt.Errorf("deliver what handlers made: %w", err)
	}
	c.mail = nil
	return nil
}

// recognise marks the pages that are copies of others of the host. Empty bodies
// and those that are cut off are not compared; what a page says of itself stays.
func (v *visit) recognise(ctx context.Context, results []*Result) error {
	var pages []Content
	var whose []*Result
	for _, r := range results {
		if r.Outcome == OutcomeFetched && r.Page.Body != nil && r.Page.Body.Size > 0 && !r.Page.Truncated && r.DuplicateOf.IsZero() {
			pages, whose = append(pages, Content{r.Entry.URL, r.Page.Body.Digest}), append(whose, r)
		}
	}
	if len(pages) == 0 {
		return nil
	}
	first, err := v.turn.Recognise(ctx, pages)
	for i, u := range first {
		whose[i].DuplicateOf = u
	}
	return err
}

// keep lets the sinks keep the results that are not kept yet. Where those are only on
// this machine, the settlements name their segment.
func (c *commitment) keep(ctx context.Context) error {
	if len(c.results) == 0 {
		return nil
	}
	segment, release, err := c.visit.keep(ctx, c.results)
	if err != nil {
		return err
	}
	c.release = release
	for i := range c.settlements {
		c.settlements[i].Segment = segment
	}
	return nil
}

// keep lets the sinks keep results, and returns what [Outbox.KeepIn] does. release is
// never nil without an error.
func (v *visit) keep(ctx context.Context, results []*Result) (segment string, release func(), err error) {
	release = func() {}
	if outbox, ok := v.sink.(Outbox); ok {
		segment, release, err = outbox.KeepIn(ctx, results)
	} else {
		err = v.sink.Keep(ctx, results)
	}
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return segment, release, nil
}

// letGo lets the segment be finished that the results are in.
func (c *commitment) letGo() {
	if c.release != nil {
		c.release()
	}
}

// drop lets the batch go.
func (v *visit) drop() {
	for _, e := range v.batch {
		e.result.release()
	}
	v.batch = v.batch[:0]
}
