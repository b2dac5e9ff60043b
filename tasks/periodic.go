package tasks

import (
	"context"
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Runs lists the runs of a periodic job that Redis still has, the oldest first.
func (c *Client) Runs(ctx context.Context, job string) ([]crawler.Status, error) {
	all, err := c.Jobs(ctx)
	return periodic.RunsOf(job, all), err
}

// Periodic describes a periodic job and its runs; it returns nil for any other job. all are
// the jobs of the fleet, as returned by Jobs; if it is nil, Periodic calls Jobs.
func (c *Client) Periodic(ctx context.Context, job crawler.Status, all []crawler.Status) (*periodic.Job, error) {
	p := periodic.Of(job)
	if p == nil {
		return nil, nil
	}
	if all == nil {
		var err error
		if all, err = c.Jobs(ctx); err != nil {
			return nil, err
		}
	}
	for _, run := range periodic.RunsOf(job.Job.Name, all) {
		counters, err := c.Counters(ctx, run.Job.Name)
		if errors.Is(err, queue.ErrNoJob) {
			continue // removed in the meantime
		}
		if err != nil {
			return nil, err
		}
		p.Add(run, counters.Pages())
	}
	return p, nil
}
