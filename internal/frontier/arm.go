package frontier

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Arm gives due hosts a new epoch until most visits of the job are armed or open, and
// returns the visits to enqueue for them. If a visit is not opened within ArmTerm, its host
// becomes due again. Visits returned with an error are armed all the same.
//
// Any number of schedulers may arm at once. The script counts the visits of its shard in
// the same call that arms more. Visits of the other shards were counted just before. All
// schedulers visit the shards in the same order, so each sees what another has armed in a
// shard. The first shard follows from the number of visits so far, in an order that looks random:
// if it were that number by the number of shards, and each call armed a multiple of it, the same shard
// would always be last, and might never be visited.
func (f *Frontier) Arm(ctx context.Context, most int) ([]queue.VisitRef, error) {
	out, first, err := f.out(ctx)
	if err != nil {
		return nil, err
	}
	var orders []queue.VisitRef
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

// out counts the armed and open visits of each shard, and returns the shard to start with.
// A job with one shard needs no count: arming counts it.
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
	return out, rand.New(rand.NewPCG(uint64(visits), 0)).IntN(len(out)), nil
}

// armShard arms hosts until most visits of the shard are armed or open. It returns how many
// then are.
func (f *Frontier) armShard(ctx context.Context, shard, most int) ([]queue.VisitRef, int, error) {
	got, err := run(ctx, f.rdb, armScript(), "arm", f.base(shard), armBatch, f.term.Milliseconds(), most).Slice()
	if err != nil {
		return nil, 0, err
	}
	if len(got)%2 != 1 {
		return nil, 0, fmt.Errorf("frontier: arm %s: unexpected answer %v", f.base(shard), got)
	}
	orders := make([]queue.VisitRef, 0, len(got)/2)
	for i := 1; i+1 < len(got); i += 2 {
		orders = append(orders, queue.VisitRef{Host: crawler.Host(got[i].(string)), Epoch: got[i+1].(int64)})
	}
	return orders, int(got[0].(int64)), nil
}
