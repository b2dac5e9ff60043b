package crawler

import (
	"sync/atomic"
	"time"
)

// lease is for how long a visit surely holds its host: a term from when it last
// asked. It goes by the local monotonic clock, and from before the question was
// sent, so it ends before the frontier's own deadline does.
type lease struct {
	term  time.Duration
	epoch time.Time
	until atomic.Int64 // nanoseconds since epoch
}

func newLease(term time.Duration, asked time.Time) *lease {
	l := &lease{term: term, epoch: asked}
	l.renew(asked)
	return l
}

// renew notes that the frontier agreed to what was asked then. Agreements may
// come in out of order.
func (l *lease) renew(asked time.Time) {
	until := int64(asked.Add(l.term).Sub(l.epoch))
	for {
		was := l.until.Load()
		if was >= until || l.until.CompareAndSwap(was, until) {
			return
		}
	}
}

func (l *lease) left() time.Duration {
	return time.Duration(l.until.Load()) - time.Since(l.epoch)
}

// ages reports whether it is time to renew.
func (l *lease) ages() bool { return l.left() < l.term*2/3 }

// over reports whether the host may have been given to another.
func (l *lease) over() bool { return l.left() <= 0 }
