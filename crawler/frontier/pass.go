package frontier

import (
	"context"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// pass lets the next job have the host that a visit has left, which may be asked in
// wait. noted are jobs that asked for it until its end. It takes the one that has
// waited longest: one that never held the host, or did so least recently. What fails
// is made up for: each asks again by itself.
func (t *tenure) pass(ctx context.Context, noted string, wait time.Duration) {
	if t == nil {
		return
	}
	t.heed(noted)
	queue, held := t.queue(), t.Sharing().Held
	if len(queue) == 0 {
		return
	}
	ahead := max(0, wait-wakeAhead)
	h := hold{holder: t.me, epoch: t.epoch, others: addParties(queue, t.others...)}
	for _, p := range queue {
		woken, err := t.wake(ctx, p, ahead)
		if err != nil {
			return
		}
		if woken && held {
			_, _ = t.swap(ctx, t.value, h, p, wait+nextTerm)
		}
		if woken {
			return
		}
	}
	_, _ = t.wake(ctx, t.me, wait) // nobody wants it any more
}

// queue is the order in which those that want the host have their turn.
func (t *tenure) queue() []party {
	t.mu.Lock()
	defer t.mu.Unlock()
	var first, then []party
	for _, p := range t.others {
		if slices.Contains(t.rivals, p) {
			then = append(then, p)
		}
	}
	for _, p := range t.rivals {
		if !slices.Contains(then, p) {
			first = append(first, p)
		}
	}
	return append(first, then...)
}

// wake makes the host of another job due in wait, if that job runs and wants a visit.
func (t *tenure) wake(ctx context.Context, p party, wait time.Duration) (bool, error) {
	state, err := t.frontier.rdb.HGet(ctx, jobBase(p.job)+nameJob, "state").Result()
	if err != nil || crawler.State(state) != crawler.StateRunning {
		return false, nil
	}
	woken, err := run(ctx, t.frontier.rdb, wakeScript, "wake", shardBase(p.job, p.shard), string(t.host), wait.Milliseconds()).Int()
	return woken == 1, err
}
