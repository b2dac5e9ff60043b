package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/latency"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// Open begins the visit at a host that was armed with the epoch of o. It implements
// [visit.Frontier]. If another job of the fleet holds the host, the visit is open but does
// not hold the host: see [queue.Sharing].
func (f *Frontier) Open(ctx context.Context, o queue.VisitRef, worker string,
	want visit.Want) (visit.HostLease, error) {
	l := &HostLease{frontier: f, ref: o, base: f.baseOf(o.Host),
		account: ledger{frontier: f, visit: visitName(o.Host, o.Epoch), budgeted: f.budgets().budgeted}}
	l.domain = f.domainAccount(o.Host, l.account.visit)
	if !f.unbudgeted() { // pages must be promised before URLs are taken
		want.URLs = 0
	}
	args := []any{
		string(o.Host), o.Epoch, f.lease.Milliseconds(), worker, want.URLs, want.Gap.Milliseconds(),
		want.Ahead.Milliseconds(), want.Call,
	}
	if !f.shares {
		got, err := run(ctx, f.rdb, openScript(), "open", l.base, args...).Slice()
		return l, l.opened(ctx, got, err, want)
	}
	l.lock = &hostLock{
		frontier: f, host: o.Host, me: party{f.job.Name, f.run, f.shardOf(o.Host)}, epoch: o.Epoch,
		delay: f.job.Delay, term: f.job.VisitTerm() + holdSlack,
	}
	l.lock.written = time.Now()
	got, acquired, err := f.openAndAcquire(ctx, l, args)
	if err := l.opened(ctx, got, err, want); err != nil {
		return nil, err
	}
	l.lock.delay = max(l.lock.delay, l.gap)
	if delay := l.Rules().Delay; delay != nil {
		l.lock.delay = max(l.lock.delay, time.Duration(*delay))
	}
	if acquired {
		l.lock.acquired()
	} else {
		err = l.lock.acquire(ctx, l.last)
	}
	if err == nil {
		err = l.lock.last(ctx, l.start.Gap)
	}
	if err != nil {
		// No requests were made yet. If this fails too, the visit is swept.
		_ = l.Close(context.WithoutCancel(ctx), l.unheld())
		return nil, err
	}
	l.wait = max(l.wait, l.lock.wait)
	return l, nil
}

// openAndAcquire opens the visit and acquires the hold in one round trip. If there is no
// hold, SETNX writes it without a script; otherwise acquire.lua has to decide. In a Cluster
// the two keys are on different nodes, so it only opens the visit. It also does if Redis
// does not know the script yet: the hold must not be acquired before the visit is open.
func (f *Frontier) openAndAcquire(ctx context.Context, l *HostLease,
	args []any) (opened []any, acquired bool, err error) {
	if _, cluster := f.rdb.(*redis.ClusterClient); cluster {
		opened, err = run(ctx, f.rdb, openScript(), "open", l.base, args...).Slice()
		return opened, false, err
	}
	var first *redis.Cmd
	var second *redis.BoolCmd
	_, _ = f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		first = openScript().EvalSha(ctx, p, []string{l.base}, args...)
		second = p.SetNX(ctx, holdKey(l.ref.Host), l.lock.sole(), l.lock.lasts())
		return nil
	})
	if noScript(first) {
		opened, err = run(ctx, f.rdb, openScript(), "open", l.base, args...).Slice()
		return opened, false, err
	}
	opened, err = judged(first, "open", l.base).Slice()
	return opened, second.Val(), err
}

// openAnswer is how many values open.lua returns before the URLs that it has taken.
const openAnswer = 11

// noScript reports whether Redis did not know the hash of the script.
func noScript(cmd *redis.Cmd) bool { return redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") }

// opened reads the answer of open.lua. It sets entries aside that cannot be decoded.
func (l *HostLease) opened(ctx context.Context, got []any, err error, want visit.Want) error {
	if err != nil {
		return err
	}
	if len(got) < openAnswer {
		return fmt.Errorf("frontier: open %s: unexpected answer %v", l.ref.Host, got)
	}
	l.wait = time.Duration(got[0].(int64)) * time.Millisecond
	l.health = queue.HostHealth{
		Pages: got[1].(int64), ConsecutiveFailures: int(got[2].(int64)), Trouble: got[3].(string),
		Class: crawler.ErrorClass(got[8].(string)), Traps: got[5].(string),
		Latency: latency.Unpack(got[10].(string)),
	}
	if ago := got[6].(int64); ago >= 0 {
		l.last = time.Now().Add(-time.Duration(ago) * time.Millisecond)
	}
	l.gap = time.Duration(got[7].(int64)) * time.Millisecond
	if err := l.heed(got[4].(string)); err != nil {
		return err
	}
	if len(got) == openAnswer {
		return nil
	}
	packed := make([]string, len(got)-openAnswer)
	for i := range packed {
		packed[i], _ = got[openAnswer+i].(string)
	}
	taken, garbage := l.unpackAll(packed)
	l.account.take(len(taken), len(taken))
	l.domain.take(len(taken))
	l.start = visit.Start{
		Taken: taken, Dry: int64(len(packed)/2) < got[9].(int64), Gap: max(want.Gap, l.gap),
	}
	if len(garbage) > 0 {
		_ = l.discard(ctx, garbage) // if it fails, they return to the queue when the visit closes
	}
	return nil
}
