package crawler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Bounds of a visit's batches.
const (
	flushURLs    = 64                     // settle at the latest after so many URLs,
	flushBytes   = 4 << 20                // so many bytes of bodies,
	flushAfter   = 250 * time.Millisecond // and so much time
	flushTerm    = 20 * time.Second       // in which a batch must have been written
	aheadTime    = time.Second            // URLs are taken for this long ahead,
	aheadLanes   = 4                      // or so many for each connection, if that is less
	spentPause   = 500 * time.Millisecond // before a budget that is promised away is asked again
	failurePause = time.Second            // before a visit is tried again that failed
	skipBatch    = 500                    // URLs settled at once that are not to be fetched
)

// visit is one exclusive turn at one host. One goroutine leads it: it takes URLs
// from the frontier, hands them to lanes, one for each connection, and brings
// what they did back to the frontier and the sinks in batches.
type visit struct {
	*Visitor
	order Order
	turn  Turn
	pace  *pace
	lease *lease
	log   *slog.Logger

	starting context.Context // ends when no further request may start
	doing    context.Context // ends when requests under way must end
	stop     context.CancelFunc
	abort    context.CancelFunc

	todo  chan Taken
	done  chan finished
	lanes sync.WaitGroup

	out     int       // URLs handed to lanes
	taken   int       // URLs taken in all
	dry     bool      // the host's queue had no more, when last asked
	batch   []*errand // done, not settled
	waits   time.Time // when the first of the batch was done
	ends    time.Time // when no more URLs are taken
	ending  Ending    // why the visit ends; "" while it goes on
	failure error
	report  Report

	rulingsMu sync.Mutex
	rulings   map[string]Ruling // by origin
	identity  bool              // the server's bytes are wanted, not what they mean
}

// finished is an errand back from its lane. Its err is errStopped when it was
// left undone.
type finished struct {
	errand *errand
	err    error
}

func newVisit(w *Visitor, o Order, turn Turn, began time.Time) *visit {
	lanes := w.job.PerHost
	v := &visit{
		Visitor: w, order: o, turn: turn, lease: newLease(turn.Lease(), began),
		pace: newPace(began.Add(turn.Wait())), ends: began.Add(w.cfg.Time),
		log:    w.cfg.Log.With("job", w.job.Name, "host", o.Host, "visit", o.Epoch),
		todo:   make(chan Taken, aheadLanes*lanes),
		done:   make(chan finished, (aheadLanes+1)*lanes),
		report: Report{Host: o.Host}, rulings: make(map[string]Ruling, 1),
		identity: slices.Contains(w.job.Format, "files") && !w.job.Follow && len(w.job.Select) == 0,
	}
	v.pace.widen(time.Duration(w.job.Delay))
	return v
}

// run leads the visit.
func (v *visit) run(ctx context.Context, drain <-chan struct{}) error {
	v.doing, v.abort = context.WithCancel(ctx)
	v.starting, v.stop = context.WithCancel(v.doing)
	defer v.abort()
	for range v.job.PerHost {
		v.lanes.Go(v.lane)
	}
	v.lead(drain)
	close(v.todo)
	v.lanes.Wait()
	return v.close()
}

// lead goes on until nothing is under way and nothing more is to be taken.
func (v *visit) lead(drain <-chan struct{}) {
	tick := time.NewTicker(min(flushAfter, v.turn.Lease()/4))
	defer tick.Stop()
	aborted := v.doing.Done()
	select {
	case <-drain:
		v.end(EndDrained)
	default:
	}
	for {
		v.refill()
		if v.out == 0 {
			return
		}
		select {
		case f := <-v.done:
			v.accept(f)
		case <-tick.C:
			v.tick()
		case <-drain:
			drain = nil
			v.end(EndDrained)
			time.AfterFunc(v.cfg.Grace, v.abort)
		case <-aborted:
			aborted = nil
			v.end(EndDrained)
		}
		if len(v.batch) >= flushURLs || v.heavy() {
			v.flush()
		}
	}
}

// tick settles what has waited and shows a sign of life.
func (v *visit) tick() {
	if len(v.batch) > 0 && time.Since(v.waits) >= flushAfter {
		v.flush()
	}
	if v.lease.ages() {
		v.held(func(ctx context.Context) error { return v.turn.Renew(ctx) })
	}
	if v.lease.over() {
		v.end(EndStale)
		v.abort()
	}
}

// end lets no further request start. The first reason stays.
func (v *visit) end(why Ending) {
	if v.ending == "" {
		v.ending = why
	}
	v.stop()
}

// fail ends the visit because of trouble of our own.
func (v *visit) fail(err error) {
	if errors.Is(err, ErrStale) {
		v.end(EndStale)
		v.abort()
		return
	}
	if v.failure == nil {
		v.failure = err
	}
	v.pace.hold(failurePause)
	v.end(EndError)
}

// held makes one call with the turn and notes for how long the host is held.
func (v *visit) held(call func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.doing), flushTerm)
	defer cancel()
	asked := time.Now()
	if err := call(ctx); err != nil {
		v.fail(err)
		return false
	}
	v.lease.renew(asked)
	return true
}

// refill takes URLs while the lanes have few.
func (v *visit) refill() {
	for v.ending == "" && v.out <= v.ahead()/2 {
		if v.bounded() {
			return
		}
		if v.dry || v.out == 0 {
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

// bounded ends the visit at one of its bounds.
func (v *visit) bounded() bool {
	switch {
	case v.taken >= v.cfg.Pages, !time.Now().Before(v.ends):
		v.end(EndBound)
	case time.Now().Add(v.pace.remaining()).After(v.ends):
		v.end(EndPause)
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
	if v.job.PagesPerHost == 0 {
		return 1 << 30
	}
	return int(v.job.PagesPerHost-v.turn.Pages()-v.report.Pages) - v.out - len(v.batch)
}

// ahead is how many URLs the lanes should have: enough not to wait for the
// frontier, and few enough that little is fetched twice should the worker die.
func (v *visit) ahead() int {
	most := aheadLanes * v.job.PerHost
	if gap := v.pace.interval(); gap > 0 {
		most = min(most, max(1, int(aheadTime/gap)))
	}
	return most
}

// take hands URLs from the host's queue to the lanes. It reports whether it got
// any.
func (v *visit) take(n int) bool {
	n = min(n, v.allowance(), v.cfg.Pages-v.taken)
	var got []Taken
	ok := v.held(func(ctx context.Context) (err error) {
		got, err = v.turn.Take(ctx, n, v.pace.interval())
		if errors.Is(err, ErrSpent) {
			v.pace.hold(spentPause)
			v.end(EndSpent)
			return nil
		}
		v.dry = err == nil && len(got) < n
		return err
	})
	for _, t := range got {
		v.todo <- t
	}
	v.out += len(got)
	v.taken += len(got)
	return ok && len(got) > 0
}

// skip settles URLs of a host whose budget is used up, without asking for them.
func (v *visit) skip() {
	for time.Now().Before(v.ends) {
		var got []Taken
		ok := v.held(func(ctx context.Context) (err error) {
			got, err = v.turn.Take(ctx, skipBatch, v.pace.interval())
			return err
		})
		if !ok || len(got) == 0 {
			return
		}
		skipped := make([]Settlement, len(got))
		for i, t := range got {
			skipped[i] = Settlement{Ticket: t.Ticket, Outcome: OutcomeSkipped}
		}
		if !v.held(func(ctx context.Context) error { return v.turn.Settle(ctx, skipped) }) {
			return
		}
	}
}

// lane carries out one errand after another.
func (v *visit) lane() {
	for t := range v.todo {
		e := newErrand(v, t)
		v.done <- finished{e, e.run()}
	}
}

// accept takes an errand back from its lane.
func (v *visit) accept(f finished) {
	v.out--
	if f.err != nil {
		if f.errand.result.Page != nil {
			f.errand.result.Page.Release()
		}
		if errors.Is(f.err, errStopped) || v.doing.Err() != nil {
			v.end(EndPause)
		} else {
			v.fail(f.err)
		}
		return
	}
	if len(v.batch) == 0 {
		v.waits = time.Now()
	}
	v.batch = append(v.batch, f.errand)
}

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
	if err := v.sink.Keep(ctx, results); err != nil {
		return fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return v.turn.Settle(ctx, settlements)
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

// close settles what is done and gives the host back.
func (v *visit) close() error {
	if v.failure == nil { // otherwise it was tried
		v.flush()
	}
	v.drop()
	if v.ending == "" {
		v.ending = EndDry
	}
	v.report.Ending = v.ending
	if v.ending == EndStale {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.doing), flushTerm)
	defer cancel()
	err := v.turn.Close(ctx, v.pace.remaining())
	if errors.Is(err, ErrStale) {
		v.report.Ending = EndStale
		err = nil
	}
	return errors.Join(v.failure, err)
}
