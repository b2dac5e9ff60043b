package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/latency"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// Open begins the visit at a host that was armed with the epoch of ref. It implements
// [visit.Frontier]. If another job of the fleet holds the host, the visit is open but does
// not hold the host: see [queue.Sharing].
func (f *Frontier) Open(ctx context.Context, ref queue.VisitRef, worker string,
	want visit.Want) (visit.HostLease, error) {
	o := f.opening(ref, worker, want)
	l := o.lease
	if err := f.opens.at(l.base).do(ctx, o); err != nil {
		return nil, err
	}
	if err := l.opened(ctx, o.answer, o.err, o.want); err != nil {
		return nil, err
	}
	if l.lock == nil {
		return l, nil
	}
	if err := l.hold(ctx, o); err != nil {
		// No requests were made yet. If this fails too, the visit is swept.
		_ = l.Close(context.WithoutCancel(ctx), l.unheld())
		return nil, err
	}
	l.wait = max(l.wait, l.lock.wait)
	return l, nil
}

// hold acquires the host's hold for a visit that was just opened, or reads whether it was acquired
// in the same round trip.
func (l *HostLease) hold(ctx context.Context, o *opening) (err error) {
	l.lock.delay = max(l.lock.delay, l.gap)
	if delay := l.Rules().Delay; delay != nil {
		l.lock.delay = max(l.lock.delay, time.Duration(*delay))
	}
	done := false
	if o.held {
		done, err = l.lock.answer(ctx, o.hold, o.now, l.last)
	}
	if !done && err == nil {
		err = l.lock.acquire(ctx, l.last)
	}
	if err != nil {
		return err
	}
	return l.lock.last(ctx, l.start.Gap)
}

// opening is a visit to be opened, with the answers of Redis.
type opening struct {
	lease  *HostLease
	want   visit.Want
	worker string

	answer []any // of open.lua
	err    error
	held   bool   // acquire.lua has answered
	hold   string // its answer
	now    int64
}

// opening returns a visit that is to be opened.
func (f *Frontier) opening(ref queue.VisitRef, worker string, want visit.Want) *opening {
	l := &HostLease{frontier: f, ref: ref, base: f.baseOf(ref.Host),
		account: ledger{frontier: f, visit: visitName(ref.Host, ref.Epoch), budgeted: f.budgets().budgeted}}
	l.domain = f.domainAccount(ref.Host, l.account.visit)
	l.ration = ration{frontier: f, base: l.base, host: ref.Host}
	if f.continuous() {
		l.tracker = &tracker{frontier: f, host: ref.Host, base: l.base, readings: make(map[crawler.URL]reading)}
	}
	if !f.unbudgeted() { // pages must be promised before URLs are taken
		want.URLs = 0
	}
	if f.shares {
		l.lock = &hostLock{
			frontier: f, host: ref.Host, me: party{f.job.Name, f.run, f.shardOf(ref.Host)}, epoch: ref.Epoch,
			delay: f.job.Delay, term: f.job.VisitTerm() + holdSlack, written: time.Now(),
		}
	}
	return &opening{lease: l, want: want, worker: worker}
}

// openArgs returns the arguments of open.lua.
func (f *Frontier) openArgs(all []*opening) []any {
	args := []any{f.lease.Milliseconds()}
	for _, o := range all {
		args = append(args, string(o.lease.ref.Host), o.lease.ref.Epoch, o.worker, o.want.URLs,
			o.want.Gap.Milliseconds(), o.want.Ahead.Milliseconds(), o.want.Call)
	}
	return args
}

// openAll opens visits of a shard, and acquires the holds of their hosts in the same round trip.
func (f *Frontier) openAll(ctx context.Context, base string, all []*opening) {
	if _, cluster := f.rdb.(*redis.ClusterClient); cluster || !f.shares {
		f.openOnly(ctx, base, all) // in a Cluster, the holds are on other nodes
		return
	}
	keys, holders := holdsOf(all)
	var first, second *redis.Cmd
	_, _ = f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		first = openScript().EvalSha(ctx, p, []string{base}, f.openArgs(all)...)
		second = acquireScript().EvalSha(ctx, p, keys, holders...)
		return nil
	})
	if noScript(first) || len(all) > 1 && isReply(first.Err()) {
		f.openOnly(ctx, base, all) // each acquires its hold once it is open
		return
	}
	opened(all, judged(first, "open", base))
	held(all, second)
}

// openOnly opens visits of a shard. If that fails for one of them, the others are not affected.
func (f *Frontier) openOnly(ctx context.Context, base string, all []*opening) {
	cmd := run(ctx, f.rdb, openScript(), "open", base, f.openArgs(all)...)
	if len(all) == 1 || !isReply(cmd.Err()) {
		opened(all, cmd)
		return
	}
	for i := range all {
		one := all[i : i+1]
		opened(one, run(ctx, f.rdb, openScript(), "open", base, f.openArgs(one)...))
	}
}

// isReply reports whether an error means that a script has failed, rather than that Redis was not
// reached or runs no scripts now. In a batch, a single call may have caused it.
func isReply(err error) bool {
	word := redisconn.ErrorWord(err)
	return word == "ERR" || word == "WRONGTYPE"
}

// holdsOf returns the keys and the arguments of acquire.lua.
func holdsOf(all []*opening) (keys []string, args []any) {
	args = []any{all[0].lease.lock.me.String()} // all are in one shard
	for _, o := range all {
		keys = append(keys, holdKey(o.lease.ref.Host))
		args = append(args, o.lease.ref.Epoch, o.lease.lock.lasts().Milliseconds())
	}
	return keys, args
}

// opened notes the answers of open.lua.
func opened(all []*opening, cmd *redis.Cmd) {
	answers, err := cmd.Slice()
	if err == nil && len(answers) != len(all) {
		err = fmt.Errorf("frontier: open: %d answers for %d visits", len(answers), len(all))
	}
	for i, o := range all {
		if o.err = err; err != nil {
			continue
		}
		if o.answer, _ = answers[i].([]any); len(o.answer) == 0 {
			o.err = queue.ErrStale
		}
	}
}

// held notes the answers of acquire.lua. If there are none, each visit asks by itself.
func held(all []*opening, cmd *redis.Cmd) {
	answers, err := cmd.Slice()
	if err != nil || len(answers) != 2*len(all) {
		return
	}
	for i, o := range all {
		var text, number bool
		o.hold, text = answers[2*i].(string)
		o.now, number = answers[2*i+1].(int64)
		o.held = text && number
	}
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
