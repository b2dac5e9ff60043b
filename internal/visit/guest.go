package visit

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/internal/render"
)

// A rendered page may request from hosts that its visit does not hold. This file gives such
// requests their turn: one at a time over the whole fleet, with the gap between them.

// guests numbers these requests within the process.
type guests struct{ last atomic.Int64 }

// name returns a name for a request that no other request of the fleet has.
func (g *guests) name(worker string) string {
	return worker + " " + strconv.FormatInt(g.last.Add(1), 10)
}

// refusedRests is why a request is not made: its turn would come too late for its page.
const refusedRests = "rests"

// guestTurn waits for the turn of a request that its own worker would start now. The caller must
// call done when the request is over. A host that is owed no gap needs no turn. The error is a
// *[render.Refusal] if the turn comes after the deadline of ctx.
func (q *requester) guestTurn(ctx context.Context, s *start) (done func(), err error) {
	gap := q.host.pace.interval()
	if !q.guest || gap == 0 {
		return func() {}, nil
	}
	name := q.visitor.strangers.guests.name(q.visitor.cfg.Worker)
	for {
		var wait time.Duration
		err := q.lease.retry(func() (err error) {
			wait, err = q.visitor.frontier.Guest(ctx, q.host.name, name, gap)
			return err
		})
		switch until, bounded := ctx.Deadline(); {
		case err != nil:
			return nil, err
		case wait == 0:
			return func() { q.guestDone(name, s) }, nil
		case bounded && time.Until(until) < wait:
			return nil, &render.Refusal{Why: refusedRests}
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// guestDone gives the turn back. It tells the fleet when the request was at the host, which gap is
// owed now, and for how long the host is left alone. If that fails, the turn ends by itself.
func (q *requester) guestDone(name string, s *start) {
	gap, ago, rest := q.host.pace.interval(), s.ago(), q.host.pace.rests()
	err := q.lease.retry(func() error {
		return q.visitor.frontier.GuestDone(q.life.doing, q.host.name, name, ago, gap, rest)
	})
	if err != nil {
		q.log.Debug("the turn at a host of another visit was not given back", "host", q.host.name, "error", err)
	}
}
