package frontier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

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
	againPause = 10 * time.Second      // until a block is looked at again whose pages found no room
	// leastBack is how many pages may wait to be fetched again in any case; otherwise it is
	// what the job may fetch in backTime. More would only fill Redis.
	leastBack = 1000
	backTime  = time.Hour
	// A block is looked at this often at least, since the threshold changes, and so does the
	// importance of its pages: but all processes look at lookRate blocks a second at most.
	lookLeast, lookMost, lookRate = time.Minute, 24 * time.Hour, 20
	// packedFrom is how many names must have been appended to a block before it is packed.
	packedFrom = 32
	// queuedTerm is after how long a page counts as not queued that was to be fetched: Redis
	// may have lost the entry.
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
	room := max(leastBack, int(perDay*backTime.Hours()/24)) - int(counters.Back)
	began := time.Now()
	idle = lookLeast
	var errs []error
	for shard := range f.job.Shards {
		for {
			wait, queued, err := f.againIn(ctx, shard, c, room)
			errs = append(errs, err)
			room -= queued
			idle = min(idle, wait)
			if err != nil || wait > 0 || time.Since(began) >= againTime {
				break
			}
		}
	}
	return idle, errors.Join(errs...)
}

// againIn processes a batch of blocks of a shard. It returns for how long no other is due.
func (f *Frontier) againIn(ctx context.Context, shard int, c *course, room int) (idle time.Duration, queued int,
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
		n, err := f.againOf(ctx, base, &b, c, now, look, room-queued)
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

// errNames means that a block has not one name for each page.
var errNames = errors.New("the pages are not fetched again")

// lookAfter returns after what time blocks of a shard are looked at again, due or not.
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
	page  queue.Tracked
}

// againOf queues the pages of a block that are due, those with the highest value first, as far as
// there is room. The block is packed if that is worth it.
func (f *Frontier) againOf(ctx context.Context, base string, b *block, c *course, now time.Time, look time.Duration,
	room int) (int, error) {
	if err := b.decode(); err != nil {
		return 0, err
	}
	if len(b.names) != b.pages() {
		return 0, fmt.Errorf("block %d of host %s has %d names for %d pages: %w", b.number, b.host, len(b.names), b.pages(),
			errNames)
	}
	next := now.Add(look)
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
		when := state.Due(c.threshold.Value, c.set.Min, c.set.Max)
		switch {
		case queued && (state.Last == 0 || now.Sub(when) < queuedTerm):
		case when.After(now):
			next = earlier(next, when)
		default:
			due = append(due, dueAgain{at, state.Value(now), t})
		}
	}
	slices.SortStableFunc(due, func(a, b dueAgain) int { return -cmp.Compare(a.value, b.value) })
	if len(due) > max(0, room) {
		due, next = due[:max(0, room)], earlier(next, now.Add(againPause))
	}
	n, err := f.queueAgain(ctx, base, b, due, next)
	if err == nil && b.plain >= packedFrom {
		_, err = run(ctx, f.rdb, packScript(), "pack", base, string(b.host), b.number, b.packed,
			pathblock.Pack(b.names)).Int()
	}
	return n, err
}

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

// Changed says of URLs of a continuous job that their pages may have changed. Those that the job
// has fetched are due now, as far as the trust goes that the caller has in such signals: the share
// of them that is right, from 0 to 1. It returns which URLs the job has not fetched; the caller may
// admit them. For each host, all blocks of its pages are read, so it is best called with many URLs
// at once.
func (f *Frontier) Changed(ctx context.Context, urls []crawler.URL, trust float64) (unknown []crawler.URL, err error) {
	byHost := make(map[crawler.Host]map[string]crawler.URL)
	for _, u := range urls {
		if byHost[u.Host()] == nil {
			byHost[u.Host()] = make(map[string]crawler.URL)
		}
		byHost[u.Host()][f.identity.Key(u)] = u
	}
	for host, wanted := range byHost {
		if err := f.changedAt(ctx, host, wanted, trust); err != nil {
			return nil, err
		}
	}
	for _, u := range urls {
		if _, left := byHost[u.Host()][f.identity.Key(u)]; left {
			unknown = append(unknown, u)
		}
	}
	return unknown, nil
}

// changedAt marks pages of a host, and removes those that it found from wanted.
func (f *Frontier) changedAt(ctx context.Context, host crawler.Host, wanted map[string]crawler.URL,
	trust float64) error {
	now, err := f.rdb.Time(ctx).Result()
	if err != nil {
		return wrapped("changed", f.baseOf(host), err)
	}
	return f.eachBlock(ctx, host, func(b *block) (more bool, err error) {
		err = f.markChanged(ctx, f.baseOf(host), b, wanted, trust, now)
		return len(wanted) > 0, err
	})
}

// eachBlock calls do with each block of a host, as long as it wants more. Blocks that cannot be
// read are left out: Again reports them.
func (f *Frontier) eachBlock(ctx context.Context, host crawler.Host, do func(b *block) (more bool, err error)) error {
	base := f.baseOf(host)
	last, err := f.rdb.HGet(ctx, base+nameHost+string(host), "block").Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return wrapped("blocks", base, err)
	}
	for number := 0; number <= last; number++ {
		b := block{number: number, host: host}
		got, err := f.rdb.MGet(ctx, base+b.key(namePaths), base+b.key(nameStates)).Result()
		if err != nil {
			return wrapped("blocks", base, err)
		}
		b.packed, _ = got[0].(string)
		b.slots, _ = got[1].(string)
		if b.decode() != nil || len(b.names) != b.pages() {
			continue
		}
		if more, err := do(&b); err != nil || !more {
			return err
		}
	}
	return nil
}

// attach says in entries that are queued by hand which tracked pages they are, so that none is
// tracked twice.
func (f *Frontier) attach(ctx context.Context, entries []queue.Entry) error {
	byHost := make(map[crawler.Host]map[string][]int)
	for i, e := range entries {
		if byHost[e.URL.Host()] == nil {
			byHost[e.URL.Host()] = make(map[string][]int)
		}
		key := f.identity.Key(e.URL)
		byHost[e.URL.Host()][key] = append(byHost[e.URL.Host()][key], i)
	}
	for host, wanted := range byHost {
		err := f.eachBlock(ctx, host, func(b *block) (more bool, err error) {
			for at := range b.names {
				e, err := b.entry(at)
				if err != nil {
					continue
				}
				for _, i := range wanted[f.identity.Key(e.URL)] {
					entries[i].Page, _, _ = b.slot(at) // its size fits
				}
				delete(wanted, f.identity.Key(e.URL))
			}
			return len(wanted) > 0, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// markChanged marks the wanted pages of a block.
func (f *Frontier) markChanged(ctx context.Context, base string, b *block, wanted map[string]crawler.URL, trust float64,
	now time.Time) error {
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
		next = earlier(next, c.due(state, e.URL, now))
		t.State = string(state.Append(nil))
		marks = append(marks, at, t.Slot(false), "")
	}
	if len(marks) == 0 {
		return nil
	}
	args := append([]any{string(b.host), b.number, b.slots, next.UnixMilli(), flag(false)}, marks...)
	return run(ctx, f.rdb, againScript(), "again", base, args...).Err()
}
