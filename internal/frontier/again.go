package frontier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/pathblock"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recrawl"
)

// This file queues the pages of a continuous job that are due again.

const (
	againBatch = 20                    // blocks of a shard in one batch
	againTerm  = 30 * time.Second      // after this time another process may take the batch
	againTime  = 50 * time.Millisecond // time of one call, not counting the batch that is under way
	againPause = 10 * time.Second      // until a block whose pages found no room is looked at again
	// As many pages may wait to be fetched again as the job may fetch in backTime, and at least
	// leastBack. More would only fill Redis. Of one block, leastOfBlock more may wait: a page that
	// waits keeps its turn, even if its value or the threshold changes.
	leastBack    = 1000
	leastOfBlock = 2
	backTime     = time.Hour
	// A block is looked at again after lookLeast to lookMost, even if none of its pages is due,
	// because the threshold and the importance of its pages change. Within these limits, all
	// processes together look at lookRate blocks a second.
	lookLeast, lookMost, lookRate = time.Minute, 24 * time.Hour, 20
	// A block is packed when more than a sixteenth of its names are not packed. So a name is packed
	// about sixteen times until its block is full.
	packedPart = 16
	// queuedTerm is the time after which a page that was queued counts as not queued, if nothing
	// waits at its host: Redis may have lost the entry.
	queuedTerm = 30 * 24 * time.Hour
)

// Again queues the pages of a continuous job that are due again, behind the URLs that wait at their
// hosts. A call takes about 50 ms. Several processes may call it at once, each on blocks of its
// own. It returns how long nothing will be due, at most a minute; 0 if there is more to do. It
// does nothing in a job that is not continuous.
//
// Blocks that cannot be read are left out; the error names them.
func (f *Frontier) Again(ctx context.Context, counters crawler.Counters) (idle time.Duration, err error) {
	if !f.continuous() || counters.Tracked == 0 {
		return lookLeast, nil
	}
	c := f.course()
	perDay, _ := c.rates()
	fetches := int(math.Ceil(perDay * backTime.Hours() / 24))
	room := room{all: max(leastBack, fetches) - int(counters.Back), block: leastOfBlock + fetches}
	began := time.Now()
	idle = lookLeast
	var errs []error
	for shard := range f.job.Shards {
		for {
			wait, queued, err := f.againIn(ctx, shard, c, room)
			errs = append(errs, err)
			room.all -= queued
			idle = min(idle, wait)
			if err != nil || wait > 0 || time.Since(began) >= againTime {
				break
			}
		}
	}
	return idle, errors.Join(errs...)
}

// room is how many pages may be queued. all is for all blocks together, besides the pages that wait
// already; block is for each block, including them.
type room struct{ all, block int }

// againIn processes a batch of blocks of a shard. It returns how long no other block will be due.
func (f *Frontier) againIn(ctx context.Context, shard int, c *course, room room) (idle time.Duration, queued int,
	err error) {
	base := f.base(shard)
	got, err := run(ctx, f.rdb, ripeScript(), "ripe", base, againBatch, againTerm.Milliseconds()).Slice()
	if err != nil {
		return 0, 0, err
	}
	if len(got) < 2 {
		return 0, 0, fmt.Errorf("frontier: ripe on %s: unexpected answer %v", base, got)
	}
	if idle = time.Duration(got[0].(int64)) * time.Millisecond; idle < 0 {
		idle = lookLeast
	}
	now, err := f.rdb.Time(ctx).Result()
	if err != nil {
		return 0, 0, fmt.Errorf("frontier: again on %s: %w", base, err)
	}
	look, err := f.lookAfter(ctx, base)
	if err != nil {
		return 0, 0, err
	}
	var unread error
	for i := 2; i+3 < len(got); i += 4 {
		b, ok := blockNamed(got[i].(string) + " " + got[i+1].(string))
		if !ok {
			continue
		}
		b.packed, b.slots = got[i+2].(string), got[i+3].(string)
		n, err := f.againOf(ctx, base, &b, c, now, look, room.less(queued))
		if errors.Is(err, pathblock.ErrBlock) || errors.Is(err, errNames) {
			unread = err
			f.reports.add(f.job.Name, err.Error())
			continue
		}
		if err != nil {
			return 0, queued, err
		}
		queued += n
	}
	return idle, queued, unread
}

// errNames means that a block does not have one name for each page.
var errNames = errors.New("the pages are not fetched again")

// lookAfter returns the time after which blocks of a shard are looked at again, due or not.
func (f *Frontier) lookAfter(ctx context.Context, base string) (time.Duration, error) {
	blocks, err := f.rdb.ZCard(ctx, base+nameReturns).Result()
	if err != nil {
		return 0, wrapped("again", base, err)
	}
	all := time.Duration(blocks) * time.Duration(f.job.Shards) * time.Second / lookRate
	return max(lookLeast, min(lookMost, all)), nil
}

// dueAgain is a page that is due.
type dueAgain struct {
	at    int
	value float64
	late  time.Duration // how long the longest interval since its last fetch is over
	page  queue.Tracked
}

// chosen returns at most a number of pages that are due. Half of the places go to the pages of the
// highest value, the others to those that should have been fetched first by the longest interval:
// where the budget is too small for all, a page of little value waits longer, but not without end.
// An odd place goes to either kind, as chance says. Those of the highest value come first. The order
// of due changes.
func chosen(due []dueAgain, most int, chance bool) []dueAgain {
	byValue := func(a, b dueAgain) int { return -cmp.Compare(a.value, b.value) }
	if len(due) > most {
		places, late := most/2, 0
		if chance {
			places = most - places
		}
		slices.SortStableFunc(due, func(a, b dueAgain) int { return -cmp.Compare(a.late, b.late) })
		for late < places && due[late].late >= 0 {
			late++
		}
		slices.SortStableFunc(due[late:], byValue)
		due = due[:most]
	}
	slices.SortStableFunc(due, byValue)
	return due
}

// less returns the room that is left after pages were queued.
func (r room) less(queued int) room { return room{r.all - queued, r.block} }

// againOf queues the pages of a block that are due, as far as there is room. The block is packed if
// that is worth it.
func (f *Frontier) againOf(ctx context.Context, base string, b *block, c *course, now time.Time, look time.Duration,
	room room) (int, error) {
	if err := b.decode(); err != nil {
		return 0, err
	}
	if len(b.names) != b.pages() {
		return 0, fmt.Errorf("block %d of host %s has %d names for %d pages: %w", b.number, b.host, len(b.names), b.pages(),
			errNames)
	}
	next, waiting := now.Add(look), 0
	idle := sync.OnceValues(func() (bool, error) { return f.idleAt(ctx, base, b.host) })
	var due []dueAgain
	for at := range b.pages() {
		t, queued, err := b.slot(at)
		if err != nil {
			continue
		}
		state, err := recrawl.Parse([]byte(t.State))
		if err != nil {
			continue
		}
		if state, err = b.valued(c, at, state); err != nil {
			continue
		}
		if queued && state.Last > 0 && c.isDue(state, now.Add(-queuedTerm)) {
			lost, err := idle()
			if err != nil {
				return 0, err
			}
			queued = !lost
		}
		switch {
		case queued:
			waiting++
		case c.isDue(state, now):
			longest := time.Unix(int64(state.Last), 0).Add(c.set.Max)
			due = append(due, dueAgain{at, state.Value(now), now.Sub(longest), t})
		case c.isDue(state, next):
			next = earlier(next, c.dueAt(state))
		}
	}
	most := max(0, min(room.all, room.block-waiting))
	if len(due) > most {
		next = earlier(next, now.Add(againPause))
	}
	due = chosen(due, most, looksRandom(now))
	n, err := f.queueAgain(ctx, base, b, due, next)
	if err == nil && b.plain > len(b.names)/packedPart {
		_, err = run(ctx, f.rdb, packScript(), "pack", base, string(b.host), b.number, b.packed,
			pathblock.Pack(b.names)).Int()
	}
	return n, err
}

// idleAt reports whether no page of a host waits to be fetched again, or is being fetched.
func (f *Frontier) idleAt(ctx context.Context, base string, h crawler.Host) (bool, error) {
	low := fmt.Sprintf("%s%s%d:%s", base, nameQueue, queue.BandLow, h)
	n, err := f.rdb.Exists(ctx, low, base+nameLater+string(h), base+nameFlight+string(h)).Result()
	return n == 0, wrapped("again", base, err)
}

// looksRandom returns true for half of all times, in no order.
func looksRandom(at time.Time) bool { return uint64(at.UnixMicro())*0x9e3779b97f4a7c15>>63 == 1 }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// queueAgain queues pages of a block, and says when it is to be looked at next.
func (f *Frontier) queueAgain(ctx context.Context, base string, b *block, due []dueAgain, next time.Time) (int, error) {
	args := []any{string(b.host), b.number, b.slots, next.UnixMilli(), flag(true)}
	for _, d := range due {
		entry, err := b.entry(d.at)
		if err != nil {
			continue // it was named by another version
		}
		entry.Page = d.page
		args = append(args, d.at, d.page.Slot(true), entry.Pack())
	}
	return run(ctx, f.rdb, againScript(), "again", base, args...).Int()
}

// Changed notes that the pages of these URLs of a continuous job may have changed. trust is the
// share of such signals that are right, from 0 to 1; it decides how much earlier a fetched page is
// due (see [recrawl.State.Signal]). Changed returns the URLs that the job has not fetched; the
// caller may admit them. It reads all blocks of each host, so it is best called with many URLs at
// once.
func (f *Frontier) Changed(ctx context.Context, urls []crawler.URL, trust float64) (unknown []crawler.URL, err error) {
	unknown, _, err = f.mark(ctx, urls, trust)
	return unknown, err
}

// mark is Changed. It also returns how many pages are now due that were not queued before.
func (f *Frontier) mark(ctx context.Context, urls []crawler.URL, trust float64) (unknown []crawler.URL, due int,
	err error) {
	byHost := make(map[crawler.Host]map[string]crawler.URL)
	for _, u := range urls {
		if byHost[u.Host()] == nil {
			byHost[u.Host()] = make(map[string]crawler.URL)
		}
		byHost[u.Host()][f.identity.Key(u)] = u
	}
	for host, wanted := range byHost {
		n, err := f.changedAt(ctx, host, wanted, trust)
		if err != nil {
			return nil, 0, err
		}
		due += n
	}
	f.store.Tell(ctx, f.job.Name)
	for _, u := range urls {
		if _, left := byHost[u.Host()][f.identity.Key(u)]; left {
			unknown = append(unknown, u)
		}
	}
	return unknown, due, nil
}

// changedAt marks pages of a host, and removes those that it found from wanted. It returns how many are
// due.
func (f *Frontier) changedAt(ctx context.Context, host crawler.Host, wanted map[string]crawler.URL,
	trust float64) (due int, err error) {
	now, err := f.rdb.Time(ctx).Result()
	if err != nil {
		return 0, wrapped("changed", f.baseOf(host), err)
	}
	err = f.eachBlock(ctx, host, func(b *block) (more bool, err error) {
		n, err := f.markChanged(ctx, f.baseOf(host), b, wanted, trust, now)
		due += n
		return len(wanted) > 0, err
	})
	return due, err
}

// markChanged marks the wanted pages of a block, and returns how many are due.
func (f *Frontier) markChanged(ctx context.Context, base string, b *block, wanted map[string]crawler.URL, trust float64,
	now time.Time) (due int, err error) {
	c := f.course()
	var marks []any
	next := now.Add(never)
	for at := range b.names {
		e, err := b.entry(at)
		if err != nil {
			continue
		}
		key := f.identity.Key(e.URL)
		if _, ok := wanted[key]; !ok {
			continue
		}
		delete(wanted, key)
		t, queued, slotErr := b.slot(at)
		state, err := recrawl.Parse([]byte(t.State))
		if err != nil || slotErr != nil || queued || state.Last == 0 {
			continue // it is about to be fetched anyway
		}
		state = state.Signal(trust)
		when := c.due(state, e.URL, now)
		if !when.After(now) {
			due++
		}
		next = earlier(next, when)
		t.State = string(state.Append(nil))
		marks = append(marks, at, t.Slot(false), "")
	}
	if len(marks) == 0 {
		return 0, nil
	}
	args := append([]any{string(b.host), b.number, b.slots, next.UnixMilli(), flag(false)}, marks...)
	return due, run(ctx, f.rdb, againScript(), "again", base, args...).Err()
}
