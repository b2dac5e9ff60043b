package visit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// visit is one visit to one host. One goroutine leads it: it lets the taker take URLs from
// the frontier, hands them to lanes (one for each connection), and lets the committer commit
// what they did. The parts belong to the leader, except where they say otherwise.
type visit struct {
	visitor   *Visitor
	log       *slog.Logger
	life      *lifetime
	lease     *leaseKeeper
	host      *hostState
	requests  *requester
	committer *committer
	taker     *taker
	backlog   backlog

	subresources subresources // what its rendered pages share

	done  chan finished
	lanes sync.WaitGroup
}

// finished is a URL task back from its lane. err is errStopped if it was left undone.
type finished struct {
	urlTask *urlTask
	err     error
}

// newVisit returns a visit that opened at began. It ends soon after drain is closed.
func newVisit(
	ctx context.Context, w *Visitor, ref queue.VisitRef, lease HostLease, began time.Time, drain <-chan struct{},
) *visit {
	lanes := w.settings().PerHost
	log := w.cfg.Log.With("job", w.job.Name, "host", ref.Host, "visit", ref.Epoch)
	host := newHostState(ref.Host, lease)
	life := newLifetime(ctx, drain, host.pace, w.meter.Start(began))
	keeper := &leaseKeeper{
		host: lease, clock: newLeaseClock(lease.Lease(), began), life: life, pace: host.pace, log: log,
	}
	journal := &requestLog{journal: w.journal}
	v := &visit{
		visitor: w, log: log, life: life, lease: keeper, host: host,
		requests: &requester{
			visitor: w, life: life, lease: keeper, host: host, journal: journal, connections: lanes, log: log,
		},
		committer: &committer{
			visitor: w, life: life, lease: keeper, journal: journal, log: log, report: queue.Report{Host: ref.Host},
		},
		done: make(chan finished, (aheadLanes+1)*lanes),
	}
	v.subresources.held = &w.shared
	v.committer.backlog = &v.backlog
	if w.needs.Bodies {
		v.backlog.most = 2 * flushBodies // one batch is committed, one arrives
	}
	v.taker = &taker{
		visitor: w, life: life, lease: keeper, host: host, committer: v.committer, connections: lanes, heed: v.heed,
		rest: v.rest,
		todo: make(chan queue.Taken, aheadLanes*lanes), ends: began.Add(w.cfg.Time),
		busy: &v.requests.busy,
	}
	return v
}

// run carries out the visit.
func (v *visit) run() error {
	defer v.life.timer.Stop()
	defer v.life.abort()
	v.obey(v.lease.host.Rules())
	v.begin()
	v.occupy()
	for range v.taker.connections {
		v.lanes.Go(v.lane)
	}
	var watching sync.WaitGroup
	watching.Go(v.lease.beat)
	watching.Go(v.lease.guard)
	watching.Go(func() { v.life.expire(v.visitor.cfg.Grace) })
	if v.visitor.gate != nil {
		watching.Go(v.yieldToGate)
	}
	v.lead()
	close(v.taker.todo)
	v.lanes.Wait()
	v.subresources.release()
	err := v.close()
	v.life.abort()
	watching.Wait()
	return err
}

// lead runs until nothing is under way and no URL will be taken.
func (v *visit) lead() {
	tick := time.NewTicker(min(flushAfter, v.lease.host.Lease()/4))
	defer tick.Stop()
	aborted, drain := v.life.doing.Done(), v.life.drain
	if reason := v.host.health.lost(v.visitor.settings().HostTries); reason != "" {
		v.taker.giveUp(reason, v.host.health.now().Class)
		v.life.end(queue.EndLost)
	}
	select {
	case <-drain:
		v.life.end(queue.EndDrained)
	default:
	}
	shut := v.shut()
	for {
		select {
		case <-shut:
			shut = nil
			v.life.end(queue.EndWaits)
		default:
		}
		v.taker.refill()
		if v.taker.out == 0 {
			return
		}
		switch v.next(aborted, drain, tick.C) {
		case eventDone:
			v.acceptReady()
		case eventTick:
			v.tick()
		case eventDrain:
			drain = nil
			v.life.end(queue.EndDrained)
		case eventAbort:
			aborted = nil
			v.life.end(queue.EndDrained)
		}
		if v.committer.full() {
			v.committer.flush()
		}
	}
}

// event is something that the leader of a visit waits for.
type event int

const (
	eventAbort event = iota // everything under way must end
	eventDrain              // the visit must end soon
	eventDone               // a URL task came back and was accepted
	eventTick               // time for periodic work
)

// next waits for an event. If several are ready, it takes the first in the order of the
// constants, rather than a random one as select would. That makes a visit deterministic, so
// that a simulation can repeat it.
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
	if v.visitor.gate == nil {
		return nil
	}
	return v.visitor.gate.Shut()
}

// yieldToGate stops further requests when the pages of other visits cannot be kept.
func (v *visit) yieldToGate() {
	select {
	case <-v.shut():
		v.life.stop()
	case <-v.life.doing.Done():
	}
}

// tick commits a batch that has waited long enough and does the visit's periodic checks.
func (v *visit) tick() {
	if v.committer.old() {
		v.committer.flush()
	}
	v.lease.check()
	v.heed()
	if v.taker.worked() { // a visit does at least one URL, however slow the host
		v.taker.late()
	}
	v.makeRoom()
}

// lane carries out URL tasks, one at a time.
func (v *visit) lane() {
	for t := range v.taker.todo {
		v.backlog.room(v.life.starting)
		if before := v.visitor.cfg.BeforeURL; before != nil {
			before(v.life.doing, t.Entry.URL)
		}
		e := newURLTask(v, t)
		err := e.run()
		e.releaseEarly()
		v.backlog.add(e)
		v.done <- finished{e, err}
	}
}

// accept takes a URL task back from its lane.
func (v *visit) accept(f finished) {
	v.taker.out--
	if f.err == nil {
		v.committer.add(f.urlTask)
		return
	}
	f.urlTask.unskip()
	f.urlTask.result.Release()
	v.backlog.remove(f.urlTask)
	switch {
	case errors.Is(f.err, errStopped) || v.life.doing.Err() != nil:
		v.lease.check() // the lease may be the cause
		v.life.end(queue.EndPause)
	case errors.Is(f.err, fetched.ErrSpill) && v.visitor.gate != nil:
		v.committer.spilled(f.err)
	default:
		v.life.fail(f.err)
	}
}

// acceptReady accepts all other finished URL tasks, up to a full batch. Otherwise they
// would be settled one by one when the queue is dry, because then each batch is settled at
// once.
func (v *visit) acceptReady() {
	for !v.committer.full() {
		select {
		case f := <-v.done:
			v.accept(f)
		default:
			return
		}
	}
}

// rest returns how the visit leaves its host. failure is the first URL that failed.
func (v *visit) rest(failure string) queue.Rest {
	settings := v.visitor.settings()
	r := v.host.rest(settings.AddressGap(), failure)
	r.GivenUp = v.host.health.lost(settings.HostTries) != ""
	return r
}

// close commits what is done and gives the host back.
func (v *visit) close() error {
	v.committer.finish()
	if v.life.ending == queue.EndStale {
		return v.life.failure
	}
	if v.committer.closed {
		return v.life.failure
	}
	err := v.lease.close(v.rest(v.committer.report.Failure))
	if errors.Is(err, queue.ErrStale) {
		v.committer.report.Ending = queue.EndStale
		err = nil
	}
	return errors.Join(v.life.failure, err)
}
