package visit

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// leaseClock tells how long a visit certainly holds its host: a term that starts when the visit
// last asked for it. The term is measured on the local monotonic clock from before the call
// was sent, so it ends before the frontier's own deadline.
type leaseClock struct {
	term  time.Duration
	epoch time.Time
	until atomic.Int64 // nanoseconds since epoch
}

func newLeaseClock(term time.Duration, asked time.Time) *leaseClock {
	l := &leaseClock{term: term, epoch: asked}
	l.renew(asked)
	return l
}

// renew records that the frontier granted the call sent at the given time. Grants may
// arrive out of order.
func (l *leaseClock) renew(asked time.Time) {
	until := int64(asked.Add(l.term).Sub(l.epoch))
	for {
		was := l.until.Load()
		if was >= until || l.until.CompareAndSwap(was, until) {
			return
		}
	}
}

func (l *leaseClock) left() time.Duration {
	return time.Duration(l.until.Load()) - time.Since(l.epoch)
}

// ages reports whether it is time to renew.
func (l *leaseClock) ages() bool { return l.left() < l.term*2/3 }

// over reports whether another worker may have the host by now.
func (l *leaseClock) over() bool { return l.left() <= 0 }

// Pauses before the frontier is called again: the first, and the longest. Each doubles.
const (
	frontierFirst = 50 * time.Millisecond
	frontierMost  = time.Second
)

// leaseKeeper keeps the host for a visit. It renews the lease in a goroutine of its own,
// and it repeats calls to a frontier that is unavailable: a short outage of Redis should not
// make a visit discard pages, which would have to be fetched again.
type leaseKeeper struct {
	host  HostLease
	clock *leaseClock
	life  *lifetime
	pace  *pace
	log   *slog.Logger

	told     atomic.Int64          // the gap that the frontier was told last, in nanoseconds
	renewErr atomic.Pointer[error] // the last error from renewing the lease
}

// beat renews the lease until the visit ends, even while a sink is slow.
func (l *leaseKeeper) beat() {
	tick := time.NewTicker(l.host.Lease() / 5)
	defer tick.Stop()
	for {
		select {
		case <-l.life.doing.Done():
			return
		case <-tick.C:
		}
		if !l.clock.ages() {
			continue
		}
		asked := time.Now()
		ctx, cancel := context.WithTimeout(l.life.doing, l.host.Lease())
		err := l.renew(ctx)
		cancel()
		if err == nil {
			l.clock.renew(asked)
		} else if l.life.doing.Err() == nil {
			l.renewErr.Store(&err)
		}
	}
}

// guard cancels the requests under way once another worker may have the host, even while
// the leader is blocked.
func (l *leaseKeeper) guard() {
	for !l.clock.over() {
		if sleep(l.life.doing, l.clock.left()) != nil {
			return
		}
	}
	l.life.cut()
}

// check ends the visit if it has lost its host, or cannot find out. If the lease has run
// out, it renews the lease: during an outage of Redis the host may not have been given to
// another worker, and then the pages fetched can be settled.
func (l *leaseKeeper) check() {
	renewErr := l.renewErr.Load()
	switch {
	case renewErr != nil && errors.Is(*renewErr, queue.ErrStale):
		l.life.fail(queue.ErrStale)
	case !l.clock.over():
	case renewErr != nil && !errors.Is(*renewErr, queue.ErrUnavailable):
		l.life.fail(*renewErr)
		l.life.abort()
	default:
		l.held(l.renew)
	}
}

// retry repeats a call to the frontier while the frontier is unavailable. It gives up when
// the visit's grace period is over, and not as soon as the visit is told to end: otherwise
// one lost answer would cost the pages it has fetched.
func (l *leaseKeeper) retry(call func() error) error {
	l.life.timer.Enter(activity.Redis)
	defer l.life.timer.Leave(activity.Redis)
	for pause := frontierFirst; ; pause = min(2*pause, frontierMost) {
		err := call()
		if !errors.Is(err, queue.ErrUnavailable) || isSink(err) {
			return err
		}
		if pause == frontierFirst {
			l.log.Warn("the frontier is unavailable; the visit waits for it", "error", err)
		}
		select {
		case <-time.After(pause):
		case <-l.life.doing.Done():
			return err
		}
	}
}

// held makes a call that extends the lease on the host. If the call fails, it ends the
// visit and returns false.
func (l *leaseKeeper) held(call func(context.Context) error) bool {
	err := l.attempt(call)
	if err != nil {
		l.life.fail(err)
	}
	return err == nil
}

// attempt makes a call as held does, but leaves the error to the caller.
func (l *leaseKeeper) attempt(call func(context.Context) error) error {
	var asked time.Time
	err := l.retry(func() error {
		asked = time.Now()
		return l.life.within(call)
	})
	if err == nil {
		l.clock.renew(asked)
	}
	return err
}

// take takes up to n URLs.
func (l *leaseKeeper) take(ctx context.Context, n int) (got []queue.Taken, err error) {
	err = l.tell(func(gap time.Duration) error {
		got, err = l.host.Take(ctx, n, gap)
		return err
	})
	return got, err
}

// renew extends the lease.
func (l *leaseKeeper) renew(ctx context.Context) error {
	return l.tell(func(gap time.Duration) error { return l.host.Renew(ctx, gap) })
}

// tell makes a call that tells the frontier the gap that the visit owes its host, and
// remembers the gap if it succeeds. If the visit breaks, the next one keeps that gap, and so
// do other jobs.
func (l *leaseKeeper) tell(call func(gap time.Duration) error) error {
	gap := l.pace.own()
	err := call(gap)
	if err == nil {
		l.told.Store(int64(gap))
	}
	return err
}

// announceGap makes sure that the frontier knows the gap that robots.txt asks for before
// the first request that the gap applies to. Only the first visit that learns a longer gap
// makes a call.
func (l *leaseKeeper) announceGap() error {
	if l.pace.robots() <= time.Duration(l.told.Load()) {
		return nil
	}
	return l.retry(func() error { return l.life.within(l.renew) })
}

// close gives the host back. It repeats the call while Redis is busy or away, and the lease
// is renewed meanwhile: a host that is not given back would be swept, and the URLs it held
// counted as lost.
func (l *leaseKeeper) close(r queue.Rest) error {
	return l.retry(func() error {
		return l.life.within(func(ctx context.Context) error { return l.host.Close(ctx, r) })
	})
}
