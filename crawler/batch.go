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
	flushAfter = 250 * time.Millisecond // and so much time
	flushTerm  = 20 * time.Second       // in which a batch must have been written
)

func (v *visit) heavy() bool {
	sum := int64(0)
	for _, e := range v.batch {
		sum += e.bytes()
	}
	return sum >= flushBytes
}

// flush admits the links of the batch, keeps its results and settles its URLs,
// in this order: so nothing is settled whose links or record could be lost.
func (v *visit) flush() {
	if len(v.batch) == 0 || v.ending == EndStale {
		return
	}
	if v.lease.over() && !v.held(v.turn.Renew) {
		return // another holds the host: what we did is theirs to do
	}
	if v.held(v.commit) {
		for _, e := range v.batch {
			v.report.note(e)
			v.log.Debug("page", "url", e.result.Entry.URL.String(), "outcome", e.result.Outcome, "reason", e.result.Reason)
		}
		v.drop()
	}
}

func (v *visit) commit(ctx context.Context) error {
	var links []Entry
	var results []*Result
	var settlements []Settlement
	for _, e := range v.batch {
		links = append(links, e.links...)
		settlements = e.settlements(settlements)
		if e.result.Outcome.Final() {
			results = append(results, &e.result)
		}
	}
	fresh, err := v.frontier.Admit(ctx, links)
	v.report.Links += int64(fresh)
	if err != nil {
		return err
	}
	if err := v.keep(ctx, results); err != nil {
		return err
	}
	if err := v.note(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return v.turn.Settle(ctx, settlements)
}

func (v *visit) keep(ctx context.Context, results []*Result) error {
	if err := v.sink.Keep(ctx, results); err != nil {
		return fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return nil
}

// drop lets the batch go.
func (v *visit) drop() {
	for _, e := range v.batch {
		if e.result.Page != nil {
			e.result.Page.Release()
		}
	}
	v.batch = v.batch[:0]
}
