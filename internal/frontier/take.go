package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// takeAnswer is how many values take.lua returns of a visit before the URLs that it has taken.
const takeAnswer = 5

// taking is a call of take.lua for one visit, with the answer of Redis.
type taking struct {
	ref  queue.VisitRef
	most int
	gap  time.Duration

	// In a continuous job, low is how many URLs of the low band the visit may take, and others is
	// how many of all other bands together.
	rationed    bool
	low, others int

	got []string
	err error
}

// takeAll takes URLs for visits of a shard. If that fails for one of them, the others are not
// affected. What a call that failed has taken is in flight, and returns to the queue when its visit
// closes.
func (f *Frontier) takeAll(ctx context.Context, base string, all []*taking) {
	cmd := f.runTake(ctx, base, all)
	if len(all) == 1 || !isReply(cmd.Err()) {
		taken(all, cmd)
		return
	}
	for i := range all {
		one := all[i : i+1]
		taken(one, f.runTake(ctx, base, one))
	}
}

func (f *Frontier) runTake(ctx context.Context, base string, all []*taking) *redis.Cmd {
	args := []any{f.lease.Milliseconds()}
	for _, one := range all {
		args = append(args, string(one.ref.Host), one.ref.Epoch, one.most, one.gap.Milliseconds())
		if one.rationed {
			args = append(args, one.low, one.others)
		} else {
			args = append(args, "", "")
		}
	}
	return run(ctx, f.rdb, takeScript(), "take", base, args...)
}

// taken notes the answers of take.lua.
func taken(all []*taking, cmd *redis.Cmd) {
	answers, err := cmd.Slice()
	if err == nil && len(answers) != len(all) {
		err = fmt.Errorf("frontier: take: %d answers for %d visits", len(answers), len(all))
	}
	for i, one := range all {
		if one.err = err; err != nil {
			continue
		}
		list, ok := answers[i].([]any)
		switch {
		case ok && len(list) == 0:
			one.err = queue.ErrStale
			continue
		case len(list) < takeAnswer:
			one.err = fmt.Errorf("frontier: take at %s: unexpected answer %v", one.ref.Host, answers[i])
			continue
		}
		one.got = make([]string, len(list))
		for n, value := range list {
			one.got[n], _ = value.(string)
		}
	}
}
