package frontier

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Terms of holds.
const (
	// holdSlack is how much longer than a visit a hold is remembered, so that the next
	// visit learns when the last request was made. The hold of a host that must be left
	// alone for longer is remembered for that long.
	holdSlack = 2 * time.Minute
	// lineTerm is after how long a job asks again for a host that another one holds:
	// the holder wakes it before, unless its worker dies.
	lineTerm = 15 * time.Second
	// nextTerm is for how long a host that was left is kept for the job that is next.
	nextTerm = 10 * time.Second
	// wakeAhead is how much earlier than its first request the visit of the next job
	// may begin: what it takes to be armed and enqueued.
	wakeAhead = 100 * time.Millisecond
	// acquireTries is how often the hold is tried for while others change it.
	acquireTries = 8
	// unswept is how long after its deadline the visit of a paused job, which no
	// scheduler sweeps, is broken by another job that wants its host.
	unswept = 20 * time.Second
)

// tenure is a visit's claim to its host among all jobs of the fleet. Only the visit that
// the host's hold names makes requests, and no other job takes the hold while that visit
// is open, as the holder's own shard tells. So the hold is written once a visit, and
// neither renewed nor released.
type tenure struct {
	frontier *Frontier
	host     crawler.Host
	me       party
	epoch    int64
	delay    time.Duration // that the job itself owes the host, as far as is known
	value    string        // the hold, as this visit wrote it
	written  time.Time
	others   []party       // with URLs at the host, the most recent last
	line     time.Duration // after which to ask again, when it is not held

	mu      sync.Mutex
	term    time.Duration // after which the hold is forgotten, from when it was written
	sharing crawler.Sharing
	wait    time.Duration // until the first request may be made, because of others
	rivals  []party       // that want the host now
}

func (t *tenure) Sharing() crawler.Sharing {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sharing
}

// args are those of acquire.lua.
func (t *tenure) args() []any { return []any{t.me.String(), t.epoch, t.lasts().Milliseconds()} }

// acquire takes the hold, or lines up for it. last is when the job's own last request
// was made, and got what acquire.lua has answered already; nil when it has not.
func (t *tenure) acquire(ctx context.Context, last time.Time, got []any) error {
	t.written = time.Now()
	for range acquireTries {
		if got == nil {
			var err error
			got, err = runKeys(ctx, t.frontier.rdb, acquireScript, "acquire", []string{holdKey(t.host)}, t.args()...).Slice()
			if err != nil {
				return err
			}
		}
		if len(got) != 2 {
			return fmt.Errorf("frontier: acquire %s: unexpected answer %v", t.host, got)
		}
		done, err := t.answer(ctx, got[0].(string), got[1].(int64), last)
		if done || err != nil {
			return err
		}
		got = nil
	}
	t.line = time.Second
	return nil
}

// answer does what the hold asks for. It reports false when it was changed meanwhile.
func (t *tenure) answer(ctx context.Context, value string, now int64, last time.Time) (bool, error) {
	if value == "" {
		t.value = hold{holder: t.me, epoch: t.epoch}.pack()
		t.sharing.Held = true
		return true, nil
	}
	h := unpackHold(value)
	if h.next.job != "" && h.next != t.me && now < h.until {
		t.line = time.Duration(h.until-now) * time.Millisecond
		return true, nil
	}
	s := survey{tenure: t, wait: t.wait, last: later(last, t.sharing.Last), others: withoutParty(h.others, t.me)}
	if h.holder.job == "" { // it cannot be read
		s.last = time.Now()
	}
	if h.holder != t.me && h.holder.job != "" {
		settled, err := s.succeed(ctx, h.holder)
		if settled || err != nil {
			return settled, err
		}
	}
	if err := s.ask(ctx); err != nil {
		return false, err
	}
	return t.take(ctx, value, s)
}

// take writes the hold, if it is still what it was. What is owed is noted before: if the
// answer is lost, or an earlier answer was, the hold names this job already and does not tell.
func (t *tenure) take(ctx context.Context, value string, s survey) (bool, error) {
	t.note(s)
	written, err := t.swap(ctx, value, hold{holder: t.me, epoch: t.epoch, others: s.others}, party{}, 0)
	if err != nil || written == "" {
		return false, err
	}
	t.value, t.others = written, s.others
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rivals = s.rivals
	t.sharing.Held, t.sharing.Others = true, len(s.rivals) > 0
	return true, nil
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// note notes what is owed to the host because of other jobs.
func (t *tenure) note(s survey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wait, t.sharing.Last, t.sharing.Gap = s.wait, s.last, s.gap
}

// unheld is how a visit leaves its host that could not find out whether it holds it.
// The next one of the job keeps what is owed to the host.
func (t *Turn) unheld() crawler.Rest {
	r := crawler.Rest{Wait: max(t.wait, t.tenure.wait), Last: -1, Gap: t.gap, Standing: t.standing}
	if last := t.Sharing().Last; !last.IsZero() {
		r.Last = time.Since(last)
	}
	return r
}

// swap replaces the hold, and keeps the host for next, if that is a job. It returns what
// the hold is now; "" when it was another.
func (t *tenure) swap(ctx context.Context, value string, h hold, next party, keep time.Duration) (string, error) {
	name := ""
	if next.job != "" {
		name = next.String()
	}
	return runKeys(ctx, t.frontier.rdb, swapScript, "swap", []string{holdKey(t.host)},
		value, h.pack(), t.lasts().Milliseconds(), name, keep.Milliseconds()).Text()
}

// heed notes which other jobs want the host, as the visit's own shard was told.
func (t *tenure) heed(noted string) {
	if t == nil || noted == "" {
		return
	}
	rivals, gap := unpackRivals(noted)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rivals = addParties(t.rivals, rivals...)
	t.sharing.Gap = max(t.sharing.Gap, time.Duration(gap)*time.Millisecond)
	t.sharing.Others = t.sharing.Others || len(rivals) > 0
}

// inLine is after how long the host is visited again if another job wants it, and "1" if
// one does, or holds it.
func (t *tenure) inLine() (line time.Duration, wanted string) {
	if t == nil {
		return 0, "0"
	}
	switch s := t.Sharing(); {
	case !s.Held:
		return t.line, "1"
	case s.Others:
		return lineTerm, "1"
	}
	return lineTerm, "0"
}

// last sees to it that the hold is remembered until the host may be asked again, in
// wait from now.
func (t *tenure) last(ctx context.Context, wait time.Duration) error {
	if t == nil || !t.Sharing().Held {
		return nil
	}
	was, now := t.lasts(), time.Since(t.written)
	if wait+holdSlack/2 < was-now {
		return nil
	}
	t.lastFor(now + wait + holdSlack)
	_, err := t.swap(ctx, t.value, unpackHold(t.value), party{}, 0)
	if err != nil {
		t.lastFor(was) // it is asked again
	}
	return err
}

// lasts is the term.
func (t *tenure) lasts() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.term
}

func (t *tenure) lastFor(term time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.term = term
}
