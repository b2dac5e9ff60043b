package frontier

import (
	"context"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// pass hands the host, which the visit has left, to the next job. The host may be requested
// again after wait. noted are the jobs that asked for it until the visit's end. The job
// that has waited longest is next: one that never held the host, or held it least recently.
// Errors are ignored, because each job retries by itself.
func (l *hostLock) pass(ctx context.Context, noted string, wait time.Duration) {
	if l == nil {
		return
	}
	l.heed(noted)
	queue, held := l.queue(), l.Sharing().Held
	if len(queue) == 0 {
		return
	}
	ahead := max(0, wait-wakeAhead)
	h := hold{holder: l.me, epoch: l.epoch, others: addParties(queue, l.others...)}
	for _, p := range queue {
		woken, err := l.wake(ctx, p, ahead)
		if err != nil {
			return
		}
		if woken && held {
			_, _ = l.swap(ctx, l.value, h, p, wait+nextTerm)
		}
		if woken {
			return
		}
	}
	_, _ = l.wake(ctx, l.me, wait) // no one else wants the host
}

// queue returns the order in which the jobs that want the host get it.
func (l *hostLock) queue() []party {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first, then []party
	for _, p := range l.others {
		if slices.Contains(l.rivals, p) {
			then = append(then, p)
		}
	}
	for _, p := range l.rivals {
		if !slices.Contains(then, p) {
			first = append(first, p)
		}
	}
	return append(first, then...)
}

// wake makes the host due for another job after wait, if that job runs and wants a visit.
func (l *hostLock) wake(ctx context.Context, p party, wait time.Duration) (bool, error) {
	state, err := l.frontier.rdb.HGet(ctx, jobBase(p.job)+nameJob, "state").Result()
	if err != nil || crawler.State(state) != crawler.StateRunning {
		return false, nil
	}
	woken, err := run(ctx, l.frontier.rdb, wakeScript(), "wake", shardBase(p.job, p.shard), string(l.host),
		wait.Milliseconds()).Int()
	return woken == 1, err
}
