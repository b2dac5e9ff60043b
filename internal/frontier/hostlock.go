package frontier

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Durations of holds.
const (
	// holdSlack is how much longer than a visit a hold is kept, so that the next visit
	// learns when the last request was made. If the host must be left alone for longer, its
	// hold is kept for that long.
	holdSlack = 2 * time.Minute
	// lineTerm is how long a job waits before it retries a host that another job holds. The
	// holder wakes it earlier, unless its worker dies.
	lineTerm = 15 * time.Second
	// nextTerm is how long a host that was left is reserved for the next job.
	nextTerm = 10 * time.Second
	// wakeAhead is how much earlier than its first request the visit of the next job may
	// begin: the time it takes to arm and enqueue it.
	wakeAhead = 100 * time.Millisecond
	// acquireTries is how often to try to take the hold while others change it.
	acquireTries = 8
	// unswept is how long after its deadline a visit of a paused job may be broken by
	// another job that wants its host. No scheduler sweeps paused jobs.
	unswept = 20 * time.Second
)

// hostLock is a visit's lock on its host among all jobs of the fleet. Only the visit named
// in the host's hold makes requests. No other job takes the hold while that visit is open,
// which can be read in the holder's own shard. So the hold is written once a visit, and
// need not be renewed or released.
type hostLock struct {
	frontier *Frontier
	host     crawler.Host
	me       party
	epoch    int64
	delay    time.Duration // the delay that the job itself owes the host, as far as it is known
	value    string        // the hold as this visit wrote it
	written  time.Time
	others   []party       // other jobs with URLs at the host, the most recent last
	line     time.Duration // when to try again, if the visit does not hold the host

	mu      sync.Mutex
	term    time.Duration // how long the hold is kept after it was written
	sharing queue.Sharing
	wait    time.Duration // until the first request may be made, because of other jobs
	rivals  []party       // jobs that want the host now
}

func (l *hostLock) Sharing() queue.Sharing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sharing
}

// sole returns the hold of a host that no other job has held lately.
func (l *hostLock) sole() string { return hold{holder: l.me, epoch: l.epoch}.pack() }

// acquired records that the hold was written as sole returns it.
func (l *hostLock) acquired() { l.value, l.sharing.Held = l.sole(), true }

// acquire takes the hold, or lines up for it. last is the time of the job's own last
// request.
func (l *hostLock) acquire(ctx context.Context, last time.Time) error {
	for range acquireTries {
		got, err := runKeys(ctx, l.frontier.rdb, acquireScript(), "acquire", []string{holdKey(l.host)},
			l.me.String(), l.epoch, l.lasts().Milliseconds()).Slice()
		if err != nil {
			return err
		}
		if len(got) != 2 {
			return fmt.Errorf("frontier: acquire %s: unexpected answer %v", l.host, got)
		}
		done, err := l.answer(ctx, got[0].(string), got[1].(int64), last)
		if done || err != nil {
			return err
		}
	}
	l.line = time.Second
	return nil
}

// answer acts on the current hold. It returns false if the hold was changed meanwhile.
func (l *hostLock) answer(ctx context.Context, value string, now int64, last time.Time) (bool, error) {
	if value == "" {
		l.acquired()
		return true, nil
	}
	h := unpackHold(value)
	if h.next.job != "" && h.next != l.me && now < h.until {
		l.line = time.Duration(h.until-now) * time.Millisecond
		return true, nil
	}
	s := otherJobs{hostLock: l, wait: l.wait, last: later(last, l.sharing.Last), others: withoutParty(h.others, l.me)}
	if h.holder.job == "" { // it cannot be decoded
		s.last = time.Now()
	}
	if h.holder != l.me && h.holder.job != "" {
		settled, err := s.succeed(ctx, h.holder)
		if settled || err != nil {
			return settled, err
		}
	}
	if err := s.ask(ctx); err != nil {
		return false, err
	}
	return l.take(ctx, value, s)
}

// take writes the hold if it is unchanged. It records what is owed before that: if the
// answer is lost, the next try finds this job in the hold and learns nothing from it.
func (l *hostLock) take(ctx context.Context, value string, s otherJobs) (bool, error) {
	l.note(s)
	written, err := l.swap(ctx, value, hold{holder: l.me, epoch: l.epoch, others: s.others}, party{}, 0)
	if err != nil || written == "" {
		return false, err
	}
	l.value, l.others = written, s.others
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rivals = s.rivals
	l.sharing.Held, l.sharing.Others = true, len(s.rivals) > 0
	return true, nil
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// note records what is owed to the host because of other jobs.
func (l *hostLock) note(s otherJobs) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait, l.sharing.Last, l.sharing.Gap = s.wait, s.last, s.gap
}

// unheld returns how a visit leaves its host if it could not find out whether it holds it.
// The job's next visit keeps what is owed to the host.
func (l *HostLease) unheld() queue.Rest {
	r := queue.Rest{Wait: max(l.wait, l.lock.wait), Last: -1, Gap: l.gap, HostHealth: l.health}
	if last := l.Sharing().Last; !last.IsZero() {
		r.Last = time.Since(last)
	}
	return r
}

// swap replaces the hold, and reserves the host for next, if that is set. It returns the
// new hold; "" if the old one was not value.
func (l *hostLock) swap(ctx context.Context, value string, h hold, next party, keep time.Duration) (string, error) {
	name := ""
	if next.job != "" {
		name = next.String()
	}
	return runKeys(ctx, l.frontier.rdb, swapScript(), "swap", []string{holdKey(l.host)},
		value, h.pack(), l.lasts().Milliseconds(), name, keep.Milliseconds()).Text()
}

// heed records which other jobs want the host, as noted in the visit's own shard.
func (l *hostLock) heed(noted string) {
	if l == nil || noted == "" {
		return
	}
	rivals, gap := unpackRivals(noted)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rivals = addParties(l.rivals, rivals...)
	l.sharing.Gap = max(l.sharing.Gap, time.Duration(gap)*time.Millisecond)
	l.sharing.Others = l.sharing.Others || len(rivals) > 0
}

// inLine returns how long to wait before the host is visited again if another job wants it,
// and "1" if one does or holds it.
func (l *hostLock) inLine() (line time.Duration, wanted string) {
	if l == nil {
		return 0, "0"
	}
	switch s := l.Sharing(); {
	case !s.Held:
		return l.line, "1"
	case s.Others:
		return lineTerm, "1"
	}
	return lineTerm, "0"
}

// last makes sure that the hold is kept until the host may be requested again, in wait from
// now.
func (l *hostLock) last(ctx context.Context, wait time.Duration) error {
	if l == nil || !l.Sharing().Held {
		return nil
	}
	was, now := l.lasts(), time.Since(l.written)
	if wait+holdSlack/2 < was-now {
		return nil
	}
	l.lastFor(now + wait + holdSlack)
	_, err := l.swap(ctx, l.value, unpackHold(l.value), party{}, 0)
	if err != nil {
		l.lastFor(was) // so that the next call tries again
	}
	return err
}

// lasts returns the term.
func (l *hostLock) lasts() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term
}

func (l *hostLock) lastFor(term time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.term = term
}
