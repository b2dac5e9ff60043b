package tasks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// maxRetried is how many URLs of a cause and shard [Client.Retry] queues again: all that the
// frontier remembers.
const maxRetried = 1000

// Failed lists URLs of a job that failed for good or are gone, at most limit for each cause and
// shard, by cause and then the latest first. The fleet remembers the last two hundred of each
// cause; the records of the workers have all of them.
func (c *Client) Failed(ctx context.Context, job string, limit int) ([]queue.Failed, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	if status.Cleared {
		return nil, nil
	}
	return c.store.Frontier(status.Job).Failed(ctx, limit)
}

// Retry queues those of the URLs that [Client.Failed] lists again that which admits, with as many
// tries as at first, and returns their number. URLs whose records are still on their way to a
// bucket are left out. A job that is done is reopened if there are such URLs. The error wraps
// [queue.ErrJobEnded] for a job that is cancelled, or whose budget is spent, and
// [queue.ErrJobState] for one whose output is being compared.
func (c *Client) Retry(ctx context.Context, job string, which queue.FailedFilter) (urls int, err error) {
	status, err := c.store.Status(ctx, job)
	switch {
	case err != nil:
		return 0, err
	case status.State == crawler.StateCancelled || status.Cleared:
		return 0, ended(status)
	case status.State.Ended() && status.Held:
		return 0, fmt.Errorf("job %q: %w: another process is comparing its output or adding seeds: try again in half a minute",
			job, queue.ErrJobState)
	}
	f := c.store.Frontier(status.Job)
	failed, err := f.Failed(ctx, maxRetried)
	if err != nil {
		return 0, err
	}
	failed = slices.DeleteFunc(failed, func(one queue.Failed) bool { return !which.Admits(one) })
	if len(failed) == 0 {
		return 0, nil
	}
	holder := fmt.Sprintf("retry-%d-%d", os.Getpid(), time.Now().UnixNano())
	if err := c.store.Hold(ctx, job, holder, holdTerm); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.store.LetGo(context.WithoutCancel(ctx), job, holder)) }()
	if status.State.Ended() {
		if err := c.Resume(ctx, job); err != nil {
			return 0, err
		}
	}
	urls, err = f.Retry(ctx, failed)
	if err != nil || !status.State.Ended() {
		return urls, err
	}
	return urls, c.store.Seeded(ctx, job, true)
}
