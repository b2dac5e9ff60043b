package visit

import (
	"context"
	"errors"
	"time"

	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// failurePause is how long a host rests after a visit that failed because of an internal
// error.
const failurePause = time.Second

// lifetime is how long a visit goes on, and why it ends. A visit ends in three steps: it
// starts no more requests, it cuts off the requests under way, and it abandons everything
// else. The contexts and their cancel functions may be used by any goroutine; ending and
// failure belong to the leader.
type lifetime struct {
	starting context.Context // ends when no further request may start
	fetching context.Context // ends when requests under way must end
	doing    context.Context // ends when everything under way must end
	stop     context.CancelFunc
	cut      context.CancelFunc
	abort    context.CancelFunc
	drain    <-chan struct{} // closed when the visit must end soon
	pace     *pace
	timer    *activity.Timer // times what the visit does

	ending  queue.Ending // why the visit ends; "" while it continues
	failure error        // internal; the first one
}

func newLifetime(ctx context.Context, drain <-chan struct{}, pace *pace, timer *activity.Timer) *lifetime {
	l := &lifetime{drain: drain, pace: pace, timer: timer}
	l.doing, l.abort = context.WithCancel(activity.With(ctx, timer))
	l.fetching, l.cut = context.WithCancel(l.doing)
	l.starting, l.stop = context.WithCancel(l.fetching)
	return l
}

// expire cancels everything under way when a visit that must end has used up its grace
// period.
func (l *lifetime) expire(grace time.Duration) {
	select {
	case <-l.drain:
	case <-l.doing.Done():
		return
	}
	if sleep(l.doing, grace) == nil {
		l.abort()
	}
}

// continues reports whether no reason to end was given yet.
func (l *lifetime) continues() bool { return l.ending == "" }

// end stops further requests. The first reason is kept.
func (l *lifetime) end(why queue.Ending) {
	if l.ending == "" {
		l.ending = why
	}
	l.stop()
}

// fail ends the visit because of an internal error.
func (l *lifetime) fail(err error) {
	if errors.Is(err, queue.ErrStale) {
		l.end(queue.EndStale)
		l.abort()
		return
	}
	if l.failure == nil {
		l.failure = err
	}
	l.pace.hold(failurePause)
	l.end(queue.EndError)
}

// within makes a call with a timeout of flushTerm, even if the visit must end.
func (l *lifetime) within(call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.doing), flushTerm)
	defer cancel()
	return call(ctx)
}
