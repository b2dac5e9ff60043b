package crawler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// failurePause is how long a host rests before a visit is tried again that
// failed because of trouble of our own.
const failurePause = time.Second

// visit is one exclusive turn at one host. One goroutine leads it: it takes URLs
// from the frontier, hands them to lanes, one for each connection, and brings
// what they did back to the frontier and the sinks in batches.
type visit struct {
	*Visitor
	order    Order
	turn     Turn
	pace     *pace
	standing standing
	traps    traps
	lease    *lease
	missed   atomic.Pointer[error] // why the turn could not be renewed
	told     atomic.Int64          // gap in nanoseconds that the frontier was told last
	log      *slog.Logger

	starting context.Context // ends when no further request may start
	fetching context.Context // ends when requests under way must end
	doing    context.Context // ends when all that is under way must end
	stop     context.CancelFunc
	cut      context.CancelFunc
	abort    context.CancelFunc
	drain    <-chan struct{} // closed when the visit is to end soon

	todo  chan Taken
	done  chan finished
	lanes sync.WaitGroup

	asking atomic.Int64 // requests under way, and redirects that are being followed

	connections int // lanes

	out   int   // URLs handed to lanes
	taken int   // URLs taken in all
	pages int64 // the host's budget; 0: none

	crowded  bool      // other jobs wait for the host
	occupied bool      // the visit has the host's address
	parked   bool      // another has it
	dry      bool      // the host's queue had no more, when last asked
	alone    bool      // what was taken last may kill its worker: it is settled before more is taken
	batch    []*errand // done, not settled
	waits    time.Time // when the first of the batch was done
	ends     time.Time // when no more URLs are taken
	ending   Ending    // why the visit ends; "" while it goes on
	failure  error
	unheld   error // why a body could not be held, for which the visit waits
	report   Report

	requestsMu sync.Mutex
	requests   []Exchange // made, not noted

	rulingsMu sync.Mutex
	rulings   map[string]Ruling // by origin
	identity  bool              // the server's bytes are wanted, not what they mean
	record    bool              // and their exchanges, octet for octet
	bodies    bool              // the sink wants the bodies of pages
}

// finished is an errand back from its lane. Its err is errStopped when it was
// left undone.
type finished struct {
	errand *errand
	err    error
}

func newVisit(w *Visitor, o Order, turn Turn, began time.Time) *visit {
	lanes := w.settings().PerHost
	v := &visit{
		Visitor: w, order: o, turn: turn, connections: lanes, lease: newLease(turn.Lease(), began),
		pace: newPace(time.Now().Add(turn.Wait())), ends: began.Add(w.cfg.Time),
		log:    w.cfg.Log.With("job", w.job.Name, "host", o.Host, "visit", o.Epoch),
		todo:   make(chan Taken, aheadLanes*lanes),
		done:   make(chan finished, (aheadLanes+1)*lanes),
		report: Report{Host: o.Host}, rulings: make(map[string]Ruling, 1),
		identity: slices.Contains(w.job.Format, "files") && !w.job.Follow && !w.job.Resources && len(w.job.Select)+len(w.job.Extract) == 0,
		record:   slices.Contains(w.job.Format, "warc"),
		bodies:   w.sink.Bodies(),
	}
	v.pace.inherit(turn.Owed())
	v.standing.Standing = turn.Standing()
	v.standing.met = v.standing.Pages > 0
	v.traps.recall(v.standing.Traps)
	return v
}

// run leads the visit.
func (v *visit) run(ctx context.Context, drain <-chan struct{}) error {
	v.drain = drain
	v.doing, v.abort = context.WithCancel(ctx)
	v.fetching, v.cut = context.WithCancel(v.doing)
	v.starting, v.stop = context.WithCancel(v.fetching)
	defer v.abort()
	v.obey(v.turn.Rules())
	v.begin()
	v.occupy()
	for range v.connections {
		v.lanes.Go(v.lane)
	}
	var beating sync.WaitGroup
	beating.Go(v.beat)
	beating.Go(v.guard)
	beating.Go(v.expire)
	if v.gate != nil {
		beating.Go(v.yieldToGate)
	}
	v.lead(drain)
	close(v.todo)
	v.lanes.Wait()
	err := v.close()
	v.abort()
	beating.Wait()
	return err
}

// beat renews the turn for as long as the visit lasts, also while a sink takes
// its time.
func (v *visit) beat() {
	tick := time.NewTicker(v.turn.Lease() / 5)
	defer tick.Stop()
	for {
		select {
		case <-v.doing.Done():
			return
		case <-tick.C:
		}
		if !v.lease.ages() {
			continue
		}
		asked := time.Now()
		ctx, cancel := context.WithTimeout(v.doing, v.turn.Lease())
		err := v.renew(ctx)
		cancel()
		if err == nil {
			v.lease.renew(asked)
		} else if v.doing.Err() == nil {
			v.missed.Store(&err)
		}
	}
}

// guard ends the requests under way when the host may have been given to
// another, whatever the leader is waiting for.
func (v *visit) guard() {
	for !v.lease.over() {
		if sleep(v.doing, v.lease.left()) != nil {
			return
		}
	}
	v.cut()
}

// expire ends all that is under way when a visit that is told to end has had its grace.
func (v *visit) expire() {
	select {
	case <-v.drain:
	case <-v.doing.Done():
		return
	}
	if sleep(v.doing, v.cfg.Grace) == nil {
		v.abort()
	}
}

// lead goes on until nothing is under way and nothing more is to be taken.
func (v *visit) lead(drain <-chan struct{}) {
	tick := time.NewTicker(min(flushAfter, v.turn.Lease()/4))
	defer tick.Stop()
	aborted := v.doing.Done()
	if reason := v.standing.lost(v.settings().HostTries); reason != "" {
		v.forsake(reason)
		v.end(EndLost)
	}
	select {
	case <-drain:
		v.end(EndDrained)
	default:
	}
	shut := v.shut()
	for {
		select {
		case <-shut:
			shut = nil
			v.end(EndWaits)
		default:
		}
		v.refill()
		if v.out == 0 {
			return
		}
		switch v.next(aborted, drain, tick.C) {
		case eventDone:
			v.acceptReady()
		case eventTick:
			v.tick()
		case eventDrain:
			drain = nil
			v.end(EndDrained)
		case eventAbort:
			aborted = nil
			v.end(EndDrained)
		}
		if len(v.batch) >= flushURLs || v.heavy() {
			v.flush()
		}
	}
}

// event is what a visit's leader waits for.
type event int

const (
	eventAbort event = iota // all that is under way must end
	eventDrain              // the visit is to end soon
	eventDone               // an errand is back, and accepted
	eventTick               // it is time to look around
)

// next waits for an event. Of several that have come, it takes the first in the
// order of their constants, not one at random as select does: what a visit does
// follows from what happened to it, so that a simulation can repeat it.
func (v *visit) next(aborted, drain <-chan struct{}, tick <-chan time.Time) event {
	select {
	case <-aborted:
		return eventAbort
	default:
	}
	select {
	case <-drain:
		return eventDrain
	default:
	}
	select {
	case f := <-v.done:
		v.accept(f)
		return eventDone
	default:
	}
	select {
	case <-aborted:
		return eventAbort
	case <-drain:
		return eventDrain
	case f := <-v.done:
		v.accept(f)
		return eventDone
	case <-tick:
		return eventTick
	}
}

// shut returns a channel that is closed when the pages of other visits cannot be kept.
func (v *visit) shut() <-chan struct{} {
	if v.gate == nil {
		return nil
	}
	return v.gate.Shut()
}

// yieldToGate lets no further request start when the pages of other visits cannot be kept.
func (v *visit) yieldToGate() {
	select {
	case <-v.shut():
		v.stop()
	case <-v.doing.Done():
	}
}

// tick settles what has waited and shows a sign of life.
func (v *visit) tick() {
	if len(v.batch) > 0 && time.Since(v.waits) >= v.patience() {
		v.flush()
	}
	v.hold()
	v.obey(v.turn.Rules())
	v.share()
	if v.taken > v.out { // a visit does one URL at least, however slow the host
		v.late()
	}
	v.makeRoom()
}

// hold breaks the visit off when it does not hold its host any more, or can not
// know. When its lease has run out it asks: while Redis was away, nobody else may
// have been given the host, and what was fetched can be settled.
func (v *visit) hold() {
	missed := v.missed.Load()
	switch {
	case missed != nil && errors.Is(*missed, ErrStale):
		v.fail(ErrStale)
	case !v.lease.over():
	case missed != nil && !errors.Is(*missed, ErrUnavailable):
		v.fail(*missed)
		v.abort()
	default:
		v.held(v.renew)
	}
}

// obey does what the operator has decided about the host.
func (v *visit) obey(r HostRules) {
	job := v.settings()
	delay := job.Delay
	if r.Delay != nil {
		delay = *r.Delay
	}
	v.pace.keep(time.Duration(delay))
	v.pages = job.PagesPerHost
	if r.Pages > 0 {
		v.pages = r.Pages
	}
	v.traps.allow(r.Ask)
	if r.Paused || job.PerHost != v.connections { // the next visit has as many as there are to be
		v.end(EndPause)
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

// lane carries out one errand after another.
func (v *visit) lane() {
	for t := range v.todo {
		if v.cfg.Yield != nil {
			v.cfg.Yield(v.doing, t.Entry.URL)
		}
		e := newErrand(v, t)
		err := e.run()
		e.unburden()
		v.done <- finished{e, err}
	}
}

// accept takes an errand back from its lane.
func (v *visit) accept(f finished) {
	v.out--
	if f.err != nil {
		f.errand.result.release()
		switch {
		case errors.Is(f.err, errStopped) || v.doing.Err() != nil:
			v.hold() // that may be why
			v.end(EndPause)
		case errors.Is(f.err, ErrSpill) && v.gate != nil:
			v.spilled(f.err)
		default:
			v.fail(f.err)
		}
		return
	}
	if len(v.batch) == 0 {
		v.waits = time.Now()
	}
	v.batch = append(v.batch, f.errand)
}

// acceptReady takes back what is done as well, as much as a batch holds, so that it
// is not settled one by one where a queue that is dry has each batch settled at once.
func (v *visit) acceptReady() {
	for len(v.batch) < flushURLs && !v.heavy() {
		select {
		case f := <-v.done:
			v.accept(f)
		default:
			return
		}
	}
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
	if v.failure == nil && v.ending != EndStale {
		v.persist(v.note)
		v.awaitRoom()
	} else if err := v.within(v.note); err != nil && v.failure == nil {
		v.failure = err
	}
	v.report.Ending = v.ending
	if v.ending == EndStale {
		return v.failure
	}
	// A Redis that is busy, or away, is asked again: the turn is renewed meanwhile, and
	// a host that is not given back is swept, with what it held counted as lost.
	err := v.insist(func() error {
		return v.within(func(ctx context.Context) error { return v.turn.Close(ctx, v.rest()) })
	})
	if errors.Is(err, ErrStale) {
		v.report.Ending = EndStale
		err = nil
	}
	return errors.Join(v.failure, err)
}

// within makes a call that may take flushTerm, also when the visit is to end.
func (v *visit) within(call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.doing), flushTerm)
	defer cancel()
	return call(ctx)
}
