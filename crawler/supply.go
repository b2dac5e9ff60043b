package crawler

import (
	"context"
	"errors"
	"time"
)

// How a visit takes URLs from the frontier, and when it takes no more.

// Bounds of taking.
const (
	aheadTime  = time.Second            // URLs are taken for this long ahead, or for two batches,
	aheadLanes = 8                      // or so many for each connection, if that is less
	spentPause = 500 * time.Millisecond // before a budget that is promised away is asked again
	skipBatch  = 200                    // URLs settled at once that are not to be fetched
)

// refill takes URLs while the lanes have few.
func (v *visit) refill() {
	for v.ending == "" && v.out <= v.ahead()/2 {
		if v.bounded() || v.alone && v.out > 0 {
			return
		}
		if v.dry || v.out == 0 || v.out+len(v.batch) > v.ahead()/2 {
			fresh := v.report.Links
			if v.flush(); v.dry && v.report.Links == fresh {
				return // nothing waits, and nothing came
			}
		}
		if v.ending != "" || !v.take(v.ahead()-v.out) {
			return
		}
	}
}

// late ends the visit when its time is over, or the host is to be left alone
// until then.
func (v *visit) late() {
	switch {
	case !time.Now().Before(v.ends):
		v.end(EndBound)
	case time.Now().Add(v.pace.remaining()).After(v.ends):
		v.end(EndPause)
	}
}

// bounded reports whether nothing may be taken now, and ends the visit at one
// of its bounds.
func (v *visit) bounded() bool {
	v.late()
	switch {
	case v.taken >= v.cfg.Pages:
		if v.out > 0 {
			return true // what was taken is still to be done
		}
		v.end(EndBound)
	case v.allowance() <= 0:
		if v.out > 0 {
			return true // what is under way may fail and leave room
		}
		if v.flush(); v.ending == "" && v.allowance() <= 0 {
			v.skip()
			v.end(EndSpent)
		}
	}
	return v.ending != ""
}

// allowance is how many pages the host may still be asked for.
func (v *visit) allowance() int {
	if v.pages == 0 {
		return 1 << 30
	}
	return int(v.pages-v.turn.Standing().Pages-v.report.Pages) - v.out - len(v.batch)
}

// ahead is how many URLs the lanes should have: enough not to wait for the
// frontier, and few enough that little is fetched twice should the worker die.
func (v *visit) ahead() int {
	most := aheadLanes * v.connections
	if gap := v.pace.interval(); gap > 0 {
		most = min(most, max(1, int(max(aheadTime, 2*v.patience())/gap)))
	}
	return most
}

// take hands URLs from the host's queue to the lanes. It reports whether it got
// any.
func (v *visit) take(n int) bool {
	n = min(n, v.allowance(), v.cfg.Pages-v.taken)
	var got []Taken
	ok := v.held(func(ctx context.Context) (err error) {
		got, err = v.takeNext(ctx, n)
		if errors.Is(err, ErrSpent) {
			v.pace.hold(spentPause)
			v.end(EndSpent)
			return nil
		}
		v.alone = len(got) == 1 && got[0].Entry.Lost > 0
		v.dry = err == nil && len(got) < n && !v.alone
		return err
	})
	if ok {
		v.obey(v.turn.Rules())
		v.share()
	}
	for _, t := range got {
		v.todo <- t
	}
	v.out += len(got)
	v.taken += len(got)
	return ok && len(got) > 0
}

// skip settles URLs of a host whose budget is used up, without asking for them.
func (v *visit) skip() {
	v.dismiss(OutcomeSkipped, func(context.Context, []Taken) (string, func(), error) { return "", func() {}, nil })
}

// forsake ends the URLs of a host that is given up, each with a record.
func (v *visit) forsake(reason string) {
	v.dismiss(OutcomeFailed, func(ctx context.Context, got []Taken) (string, func(), error) {
		results := make([]*Result, len(got))
		for i, t := range got {
			results[i] = &Result{
				Job: v.job.Name, Worker: v.cfg.Worker, Entry: t.Entry, Outcome: OutcomeFailed, Reason: reason, At: time.Now(),
			}
		}
		if v.report.Failure == "" {
			v.report.Failure = string(v.order.Host) + ": " + reason
		}
		if v.report.Trouble == "" {
			v.report.Trouble = string(v.order.Host) + ": " + reason
		}
		return v.keep(ctx, results)
	})
}

// dismiss settles URLs of the host with an outcome, without asking for them,
// until none waits or the visit's time is over. keep is called with each batch
// before.
func (v *visit) dismiss(o Outcome, keep func(context.Context, []Taken) (string, func(), error)) {
	for time.Now().Before(v.ends) {
		var got []Taken
		ok := v.held(func(ctx context.Context) (err error) {
			got, err = v.takeNext(ctx, skipBatch)
			if errors.Is(err, ErrSpent) {
				v.pace.hold(spentPause)
				return nil
			}
			return err
		})
		if !ok || len(got) == 0 {
			return
		}
		settled := make([]Settlement, len(got))
		for i, t := range got {
			settled[i] = Settlement{Ticket: t.Ticket, Outcome: o, Over: o == OutcomeSkipped}
		}
		if !v.persist(func(ctx context.Context) error {
			segment, release, err := keep(ctx, got)
			if err != nil {
				return err
			}
			defer release()
			for i := range settled {
				settled[i].Segment = segment
			}
			return v.turn.Settle(ctx, settled)
		}) {
			return
		}
		v.report.count(o, len(settled))
	}
}
