package frontier

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// settling is a call of settle.lua for one visit, with the answer of Redis.
type settling struct {
	host crawler.Host
	args []any // of the visit

	lessons learned // what args teach, in a continuous job

	pages  int64 // fetched in the visit
	ended  bool
	rivals string // other jobs that want the host
	err    error
}

// settleAll settles URLs of visits of a shard. If that fails for one of them, the others are not
// affected: a call may be repeated.
func (f *Frontier) settleAll(ctx context.Context, base string, all []*settling) {
	cmd := f.runSettle(ctx, base, all)
	if len(all) == 1 || !isReply(cmd.Err()) {
		settled(all, cmd)
		return
	}
	for i := range all {
		one := all[i : i+1]
		settled(one, f.runSettle(ctx, base, one))
	}
}

func (f *Frontier) runSettle(ctx context.Context, base string, all []*settling) *redis.Cmd {
	args := []any{f.lease.Milliseconds()}
	for _, one := range all {
		args = append(append(args, len(one.args)), one.args...)
	}
	return run(ctx, f.rdb, settleScript(), "settle", base, args...)
}

// settled notes the answers of settle.lua.
func settled(all []*settling, cmd *redis.Cmd) {
	got, err := cmd.Slice()
	if err == nil && len(got) != 3*len(all) {
		err = fmt.Errorf("frontier: settle: %d answers for %d visits", len(got), len(all))
	}
	for i, one := range all {
		if one.err = err; err != nil {
			continue
		}
		pages, known := got[3*i].(int64)
		rivals, text := got[3*i+2].(string)
		switch {
		case !known || !text:
			one.err = fmt.Errorf("frontier: settle %s: unexpected answer %v", one.host, got[3*i:3*i+3])
		case pages < 0:
			one.err = queue.ErrStale
		}
		one.pages, one.ended, one.rivals = pages, got[3*i+1] == int64(1), rivals
	}
}
