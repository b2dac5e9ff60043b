package tasks

import (
	"context"
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
)

// Periodic returns what is known of a periodic job and its runs, or nil for any other
// job. all are the jobs of the fleet, as Jobs lists them; nil asks for them.
func (c *Client) Periodic(ctx context.Context, job crawler.Status, all []crawler.Status) (*crawler.Periodic, error) {
	p := job.Periodic()
	if p == nil {
		return nil, nil
	}
	if all == nil {
		var err error
		if all, err = c.Jobs(ctx); err != nil {
			return nil, err
		}
	}
	for _, run := range crawler.RunsOf(job.Job.Name, all) {
		numbers, err := c.Counters(ctx, run.Job.Name)
		if errors.Is(err, crawler.ErrNoJob) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		p.Add(run, numbers.Pages())
	}
	return p, nil
}
