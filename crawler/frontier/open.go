package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// Open begins the turn at a host that was armed with the order's epoch. It
// implements [crawler.Frontier]. Where another job of the fleet holds the host, the turn
// is open and does not hold it: see [crawler.Sharing].
func (f *Frontier) Open(ctx context.Context, o crawler.Order, worker string) (crawler.Turn, error) {
	t := &Turn{frontier: f, order: o, base: f.baseOf(o.Host), account: ledger{frontier: f, visit: visitName(o.Host, o.Epoch), budgeted: f.budgets().budgeted}}
	args := []any{string(o.Host), o.Epoch, f.lease.Milliseconds(), worker}
	if !f.shares {
		return t, t.opened(run(ctx, f.rdb, openScript, "open", t.base, args...).Slice())
	}
	t.tenure = &tenure{
		frontier: f, host: o.Host, me: party{f.job.Name, f.run, f.shardOf(o.Host)}, epoch: o.Epoch,
		delay: time.Duration(f.job.Delay), term: f.job.VisitTerm() + holdSlack,
	}
	got, acquired, err := f.openAndAcquire(ctx, t, args)
	if err := t.opened(got, err); err != nil {
		return nil, err
	}
	t.tenure.delay = max(t.tenure.delay, t.gap)
	if delay := t.Rules().Delay; delay != nil {
		t.tenure.delay = max(t.tenure.delay, time.Duration(*delay))
	}
	if err := t.tenure.acquire(ctx, t.last, acquired); err != nil {
		// Nothing was taken. If this fails too, the visit is swept.
		_ = t.Close(context.WithoutCancel(ctx), t.unheld())
		return nil, err
	}
	t.wait = max(t.wait, t.tenure.wait)
	return t, nil
}

// openAndAcquire opens the turn and acquires the hold in one round trip. In a Cluster,
// where the two lie at different nodes, and wherever a script is not known yet, only
// the first is done: the hold must not be acquired before the turn is open.
func (f *Frontier) openAndAcquire(ctx context.Context, t *Turn, args []any) (opened, acquired []any, err error) {
	if _, cluster := f.rdb.(*redis.ClusterClient); cluster {
		opened, err = run(ctx, f.rdb, openScript, "open", t.base, args...).Slice()
		return opened, nil, err
	}
	var first, second *redis.Cmd
	_, _ = f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		first = openScript.EvalSha(ctx, p, []string{t.base}, args...)
		second = acquireScript.EvalSha(ctx, p, []string{holdKey(t.order.Host)}, t.tenure.args()...)
		return nil
	})
	if noScript(first) {
		opened, err = run(ctx, f.rdb, openScript, "open", t.base, args...).Slice()
		return opened, nil, err
	}
	if opened, err = judged(first, "open", t.base).Slice(); err != nil {
		return nil, nil, err
	}
	if acquired, err = second.Slice(); err != nil { // it is asked again, and tells why
		acquired = nil
	}
	return opened, acquired, nil
}

// noScript reports whether Redis does not know a script that was called by its hash.
func noScript(cmd *redis.Cmd) bool { return redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") }

// opened reads the answer of open.lua.
func (t *Turn) opened(got []any, err error) error {
	if err != nil {
		return err
	}
	if len(got) != 8 {
		return fmt.Errorf("frontier: open %s: unexpected answer %v", t.order.Host, got)
	}
	t.wait = time.Duration(got[0].(int64)) * time.Millisecond
	t.standing = crawler.Standing{Pages: got[1].(int64), Strikes: int(got[2].(int64)), Trouble: got[3].(string), Traps: got[5].(string)}
	if ago := got[6].(int64); ago >= 0 {
		t.last = time.Now().Add(-time.Duration(ago) * time.Millisecond)
	}
	t.gap = time.Duration(got[7].(int64)) * time.Millisecond
	return t.heed(got[4].(string))
}
