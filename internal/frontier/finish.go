package frontier

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// finishing is a call of finish.lua for one visit, with the answer of Redis.
type finishing struct {
	host crawler.Host
	args []any // of the visit

	pages  int64 // fetched in the visit
	ended  bool
	rivals string // other jobs that want the host
	err    error
}

// finishAll finishes visits of a shard. If that fails for one of them, the others are not
// affected: a call may be repeated.
func (f *Frontier) finishAll(ctx context.Context, base string, all []*finishing) {
	cmd := f.runFinish(ctx, base, all)
	if len(all) == 1 || !isReply(cmd.Err()) {
		finished(all, cmd)
		return
	}
	for i := range all {
		one := all[i : i+1]
		finished(one, f.runFinish(ctx, base, one))
	}
}

func (f *Frontier) runFinish(ctx context.Context, base string, all []*finishing) *redis.Cmd {
	args := []any{f.lease.Milliseconds()}
	for _, one := range all {
		args = append(append(args, len(one.args)), one.args...)
	}
	return run(ctx, f.rdb, finishScript(), "finish", base, args...)
}

// finished notes the answers of finish.lua.
func finished(all []*finishing, cmd *redis.Cmd) {
	got, err := cmd.Slice()
	if err == nil && len(got) != 3*len(all) {
		err = fmt.Errorf("frontier: finish: %d answers for %d visits", len(got), len(all))
	}
	for i, one := range all {
		if one.err = err; err != nil {
			continue
		}
		pages, known := got[3*i].(int64)
		rivals, text := got[3*i+2].(string)
		switch {
		case !known || !text:
			one.err = fmt.Errorf("frontier: finish %s: unexpected answer %v", one.host, got[3*i:3*i+3])
		case pages < 0:
			one.err = queue.ErrStale
		}
		one.pages, one.ended, one.rivals = pages, got[3*i+1] == int64(1), rivals
	}
}
