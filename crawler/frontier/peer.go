package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// peer is what another job of the fleet owes a host.
type peer struct {
	gone   bool          // the job, or what it knew of the host, was removed
	quiet  bool          // it had no visit open when it was removed
	open   bool          // it has a visit open there
	owes   bool          // it has URLs there, and has not ended
	wants  bool          // and a visit is about to be made, or waits for its turn
	wait   time.Duration // until a request may be made
	last   time.Time     // when its last request was made, at the latest; zero when that is not known
	gap    time.Duration // between requests
	lapsed time.Duration // since the deadline of its open visit passed; negative while it did not
	state  crawler.State // of the job
}

// look asks what another job owes a host. It takes two calls.
func (f *Frontier) look(ctx context.Context, p party, host crawler.Host) (peer, error) {
	job, err := f.rdb.HMGet(ctx, jobBase(p.job)+nameJob, "state", "created", "cleared").Result()
	if err != nil {
		return peer{}, fmt.Errorf("frontier: job %s, which shares %s: %w", p.job, host, passing(err))
	}
	if text(job[0]) == "" || p.run != 0 && text(job[1]) != fmt.Sprint(p.run) {
		return peer{gone: true}, nil
	}
	o := peer{state: crawler.State(text(job[0])), quiet: text(job[2]) == "1"}
	got, err := run(ctx, f.rdb, lookScript, "look", shardBase(p.job, p.shard), string(host)).Slice()
	if err != nil {
		return peer{}, err
	}
	if len(got) != 7 {
		o.gone = true
		return o, nil
	}
	return o, o.read(got)
}

// read takes in the answer of look.lua.
func (o *peer) read(got []any) error {
	rules, err := crawler.UnpackHostRules(got[4].(string))
	if err != nil {
		return fmt.Errorf("frontier: look: %w", err)
	}
	ms := func(i int) time.Duration { return time.Duration(got[i].(int64)) * time.Millisecond }
	state := got[0].(string)
	o.open = state == "open" || state == "broken"
	o.owes = state != "" && !o.state.Ended()
	o.wants = o.owes && got[5].(int64) == 1 && o.state == crawler.StateRunning
	o.wait, o.gap, o.lapsed = ms(1), ms(3), ms(6)
	if rules.Delay != nil {
		o.gap = max(o.gap, time.Duration(*rules.Delay))
	}
	if ago := got[2].(int64); ago >= 0 {
		o.last = time.Now().Add(-ms(2))
	}
	return nil
}

// text is a field of a hash; "" when it is not there.
func text(v any) string {
	s, _ := v.(string)
	return s
}
