package visit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Bounds of taking URLs.
const (
	aheadTime  = time.Second            // URLs are taken for this long ahead, or for two batches if that is longer,
	aheadLanes = 8                      // but never more than this many for each connection
	spentPause = 500 * time.Millisecond // pause before asking again for a budget that is reserved by others
	skipBatch  = 200                    // how many URLs are settled at once without a fetch

	spilledPause = 10 * time.Second // how long a host waits whose next URLs were spilled and cannot be read
)

// taker takes URLs from the frontier for the lanes, and decides when the visit takes no
// more. It belongs to the leader.
type taker struct {
	visitor     *Visitor
	life        *lifetime
	lease       *leaseKeeper
	host        *hostState
	committer   *committer
	connections int    // lanes
	heed        func() // called after the frontier has answered: its rules may have changed
	rest        func(failure string) queue.Rest

	todo  chan queue.Taken // read by the lanes
	out   int              // URLs that lanes have
	taken int              // URLs taken in total
	begun bool             // the lanes have what was taken when the visit opened
	pages int64            // the host's page budget; 0: none
	dry   bool             // the host's queue was empty at the last take
	alone bool             // the URL taken last may have killed a worker, so it is settled before more are taken
	ends  time.Time        // when the visit takes no more URLs
	busy  *atomic.Int64    // URLs that are half done (see hold)
}

// refill takes URLs while the lanes have few left.
func (t *taker) refill() {
	for t.life.continues() && t.out <= t.ahead()/2 {
		if t.bounded() || t.alone && t.out > 0 {
			return
		}
		if t.dry || t.out == 0 || t.out+t.committer.pending() > t.ahead()/2 {
			fresh := t.committer.admitted()
			t.flush()
			if t.dry && t.committer.admitted() == fresh {
				return // nothing waits, and no link was added
			}
		}
		if !t.life.continues() || !t.take(t.ahead()-t.out) {
			return
		}
	}
}

// flush commits the batch. If no URL is under way and none waits, that ends the visit.
func (t *taker) flush() {
	if t.out > 0 {
		t.committer.flush()
		return
	}
	if t.committer.flushLast(t.rest); t.committer.closed {
		t.life.end(queue.EndDry)
	}
}

// late reports whether the visit's time is over, or the host must be left alone until then. If so,
// it ends the visit, but not while a page is in the browser and may have requests to make: the next
// visit would have to render that page again.
func (t *taker) late() bool {
	over := !time.Now().Before(t.ends)
	switch {
	case !over && !time.Now().Add(t.host.pace.remaining()).After(t.ends):
		return false
	case t.visitor.browser != nil && t.busy.Load() > 0:
	case over:
		t.life.end(queue.EndBound)
	default:
		t.life.end(queue.EndPause)
	}
	return true
}

// bounded reports whether no URL may be taken now. At one of the visit's bounds it ends the
// visit.
func (t *taker) bounded() bool {
	switch {
	case t.late():
		return true
	case t.taken >= t.visitor.cfg.Pages:
		if t.out > 0 {
			return true // the URLs taken still have to be done
		}
		t.life.end(queue.EndBound)
	case t.allowance() <= 0:
		if t.out > 0 {
			return true // URLs under way may fail and leave room in the budget
		}
		if t.committer.flush(); t.life.continues() && t.allowance() <= 0 {
			t.skip()
			t.life.end(queue.EndSpent)
		}
	}
	return !t.life.continues()
}

// allowance returns how many more pages may be fetched from the host.
func (t *taker) allowance() int {
	if t.pages == 0 {
		return 1 << 30
	}
	return int(t.pages-t.lease.host.HostHealth().Pages-t.committer.pages()) - t.out - t.committer.pending()
}

// ahead returns how many URLs the lanes should have: enough that they need not wait for the
// frontier, but few, because they are fetched twice if the worker dies.
func (t *taker) ahead() int {
	most := aheadLanes * t.connections
	if gap := t.host.pace.interval(); gap > 0 {
		most = min(most, max(1, int(aheadOf(t.visitor.patience())/gap)))
	}
	return most
}

// aheadOf returns how long the URLs taken should last, given how long they may wait to be settled.
func aheadOf(patience time.Duration) time.Duration { return max(aheadTime, 2*patience) }

// begin hands over what was taken when the visit opened. It reports whether that was
// anything.
func (t *taker) begin() bool {
	start := t.lease.host.Start()
	if t.begun || len(start.Taken) == 0 {
		return false
	}
	t.begun, t.dry = true, start.Dry && !lostAlone(start.Taken)
	t.lease.told.Store(int64(start.Gap))
	t.hand(start.Taken)
	return true
}

// hand hands URLs to the lanes.
func (t *taker) hand(got []queue.Taken) {
	t.alone = lostAlone(got)
	for _, one := range got {
		t.todo <- one
	}
	t.out += len(got)
	t.taken += len(got)
}

// take moves URLs from the host's queue to the lanes. It reports whether it got any.
func (t *taker) take(n int) bool {
	if t.begin() {
		return true
	}
	n, ok := t.promised(min(n, t.allowance(), t.visitor.cfg.Pages-t.taken))
	if !ok {
		return false
	}
	var got []queue.Taken
	ok = t.lease.held(func(ctx context.Context) (err error) {
		got, err = t.lease.take(ctx, n)
		if errors.Is(err, queue.ErrSpent) {
			t.host.pace.hold(spentPause)
			t.life.end(queue.EndSpent)
			return nil
		}
		if t.rationed(err) || t.putOff(err) {
			return nil
		}
		t.dry = err == nil && len(got) < n && !lostAlone(got)
		return err
	})
	if ok {
		t.heed()
	}
	t.hand(got)
	return ok && len(got) > 0
}

// putOff ends the visit if the host's next URLs were spilled and cannot be read now, and reports
// whether that is what an error says. The frontier tells the worker.
func (t *taker) putOff(err error) bool {
	if !errors.Is(err, queue.ErrSpilled) {
		return false
	}
	t.host.notBefore = spilledPause
	t.life.end(queue.EndPause)
	return true
}

// lostAlone reports whether the only URL taken may have killed a worker. Others may wait.
func lostAlone(got []queue.Taken) bool { return len(got) == 1 && got[0].Entry.Lost > 0 }

// promised returns how many of n URLs may be fetched under the budget of the host's domain.
// If that is none, the visit ends once the URLs it took are done. If the budget is spent,
// it first settles the host's URLs as skipped. Otherwise visits of other hosts have
// reserved the rest, and the host rests for a moment.
func (t *taker) promised(n int) (granted int, ok bool) {
	if t.visitor.settings().PagesPerDomain == 0 {
		return n, true
	}
	var spent bool
	err := t.lease.retry(func() error {
		return t.life.within(func(ctx context.Context) (err error) {
			granted, spent, err = t.lease.host.Allow(ctx, n)
			return err
		})
	})
	switch {
	case err != nil:
		t.life.fail(err)
		return 0, false
	case granted > 0:
		return granted, true
	case t.out > 0: // URLs under way may fail and leave room
		return 0, false
	case t.committer.pending() > 0: // so may URLs in the batch
		if t.committer.flush(); t.life.continues() && t.committer.pending() == 0 {
			return t.promised(n)
		}
		return 0, false
	case spent:
		t.skip()
	default:
		t.host.pace.hold(spentPause)
	}
	t.life.end(queue.EndSpent)
	return 0, false
}

// worked reports whether the visit has done at least one URL.
func (t *taker) worked() bool { return t.taken > t.out }

// endBy ends the visit at a time, unless it ends earlier anyway.
func (t *taker) endBy(at time.Time) {
	if at.Before(t.ends) {
		t.ends = at
	}
}

// skip settles the URLs of a host whose budget is used up, without fetching them.
func (t *taker) skip() {
	t.dismiss(crawler.OutcomeSkipped, func(taken []queue.Taken) []*fetched.Result {
		if !t.visitor.needs.Skipped {
			return nil
		}
		results := make([]*fetched.Result, len(taken))
		for i, one := range taken {
			results[i] = &fetched.Result{
				Job: t.visitor.job.Name, Worker: t.visitor.cfg.Worker, Entry: one.Entry, At: time.Now(),
				Outcome: crawler.OutcomeSkipped, Skipped: []queue.Skipped{overBudget(one.Entry)}, Unrecorded: true,
			}
		}
		return results
	})
}

// overBudget describes a URL skipped because the budget of its host is used up.
func overBudget(e queue.Entry) queue.Skipped {
	why := queue.SkipReason{Rule: queue.RulePagesPerHost, Reason: "the budget of its host is used up"}
	return queue.Skipped{URL: e.URL, Referrer: e.Referrer, Depth: e.Depth, SkipReason: why}
}

// outcomeOf returns the outcome of URLs that are not requested because of a fault of their
// host.
func outcomeOf(class crawler.ErrorClass) crawler.Outcome {
	if class == crawler.ErrorBlockPage {
		return crawler.OutcomeBlocked
	}
	return crawler.OutcomeFailed
}

// giveUp fails the URLs of a host that is given up. Each gets a record.
func (t *taker) giveUp(reason string, class crawler.ErrorClass) {
	outcome := outcomeOf(class)
	t.dismiss(outcome, func(taken []queue.Taken) []*fetched.Result {
		results := make([]*fetched.Result, len(taken))
		for i, one := range taken {
			results[i] = &fetched.Result{
				Job: t.visitor.job.Name, Worker: t.visitor.cfg.Worker, Entry: one.Entry.Recorded(),
				Outcome: outcome, Reason: reason, Class: class, At: time.Now(),
			}
		}
		t.committer.blame(string(t.host.name) + ": " + reason)
		return results
	})
}

// dismiss settles the host's URLs with the given outcome, without fetching them, until none
// waits or the visit's time is over. resultsOf returns what the sinks keep of them.
func (t *taker) dismiss(o crawler.Outcome, resultsOf func([]queue.Taken) []*fetched.Result) {
	for time.Now().Before(t.ends) {
		var got []queue.Taken
		ok := t.lease.held(func(ctx context.Context) (err error) {
			got, err = t.lease.take(ctx, skipBatch)
			if errors.Is(err, queue.ErrSpent) {
				t.host.pace.hold(spentPause)
				return nil
			}
			if t.rationed(err) || t.putOff(err) {
				return nil
			}
			return err
		})
		if !ok || len(got) == 0 || !t.committer.dismiss(o, got, resultsOf(got)) {
			return
		}
	}
}
