package frontier

import (
	"context"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// Arm gives a new epoch to hosts that are due, until most visits of the job are
// armed or open, and returns the visits that are to be enqueued for them. A visit
// that is not opened within ArmTerm is overtaken: its host is due again. Orders
// that come with an error are armed all the same.
//
// Any number of schedulers may arm at once: a shard's visits are counted in the
// call that arms more. Those of the job's other shards were counted just before,
// and all go over the shards in the same order, so that what another arms
// meanwhile is seen where it is armed. The order turns with the visits, so that
// no shard always comes last.
func (f *Frontier) Arm(ctx context.Context, most int) ([]crawler.Order, error) {
	out, first, err := f.out(ctx)
	if err != nil {
		return nil, err
	}
	var orders []crawler.Order
	sum := 0
	for _, n := range out {
		sum += n
	}
	for i := range out {
		shard := (first + i) % len(out)
		for room := true; room; {
			armed, now, err := f.armShard(ctx, shard, most-(sum-out[shard]))
			if err != nil {
				return orders, err
			}
			orders = append(orders, armed...)
			sum += now - out[shard]
			out[shard] = now
			room = len(armed) == armBatch
		}
	}
	return orders, nil
}

// out counts the visits of each shard that are armed or open, and says with which
// shard to begin. A single one is counted when it is armed.
func (f *Frontier) out(ctx context.Context) (out []int, first int, err error) {
	out = make([]int, f.job.Shards)
	if len(out) == 1 {
		return out, 0, nil
	}
	visits := int64(0)
	for shard := range out {
		c := crawler.Counters{Outcomes: make(map[crawler.Outcome]int64)}
		if err := f.addShard(ctx, &c, shard); err != nil {
			return nil, 0, err
		}
		out[shard] = int(c.Out())
		visits += c.Visits
	}
	return out, int(visits % int64(len(out))), nil
}

// armShard arms hosts until most visits of the shard are out. It returns how many
// are then.
func (f *Frontier) armShard(ctx context.Context, shard, most int) ([]crawler.Order, int, error) {
	got, err := run(ctx, f.rdb, armScript, "arm", f.base(shard), armBatch, f.term.Milliseconds(), most).Slice()
	if err != nil {
		return nil, 0, err
	}
	if len(got)%2 != 1 {
		return nil, 0, fmt.Errorf("frontier: arm %s: unexpected answer %v", f.base(shard), got)
	}
	orders := make([]crawler.Order, 0, len(got)/2)
	for i := 1; i+1 < len(got); i += 2 {
		orders = append(orders, crawler.Order{Host: crawler.Host(got[i].(string)), Epoch: got[i+1].(int64)})
	}
	return orders, int(got[0].(int64)), nil
}
