package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// peer is what another job of the fleet owes a host.
type peer struct {
	gone   bool          // the job, or its record of the host, was removed
	quiet  bool          // it had no open visit when it was removed
	open   bool          // it has an open visit at the host
	owes   bool          // it has URLs there and has not ended
	wants  bool          // it also has a visit coming up, or waits in line for one
	wait   time.Duration // until a request may be made
	last   time.Time     // latest possible time of its last request; zero if unknown
	gap    time.Duration // between requests
	lapsed time.Duration // since the deadline of its open visit; negative before it
	state  crawler.State // of the job
}

// look asks what another job owes a host. It makes two calls to Redis.
func (f *Frontier) look(ctx context.Context, p party, host crawler.Host) (peer, error) {
	job, err := f.rdb.HMGet(ctx, jobBase(p.job)+nameJob, "state", "created", "cleared").Result()
	if err != nil {
		return peer{}, fmt.Errorf("frontier: job %s, which shares %s: %w", p.job, host, redisconn.Passing(err))
	}
	if text(job[0]) == "" || p.run != 0 && text(job[1]) != fmt.Sprint(p.run) {
		return peer{gone: true}, nil
	}
	o := peer{state: crawler.State(text(job[0])), quiet: text(job[2]) == "1"}
	got, err := run(ctx, f.rdb, lookScript(), "look", shardBase(p.job, p.shard), string(host)).Slice()
	if err != nil {
		return peer{}, err
	}
	if len(got) != 7 {
		o.gone = true
		return o, nil
	}
	return o, o.read(got)
}

// read parses the answer of look.lua.
func (o *peer) read(got []any) error {
	rules, err := queue.UnpackHostRules(got[4].(string))
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

// text returns a field of a hash; "" if it is missing.
func text(v any) string {
	s, _ := v.(string)
	return s
}
