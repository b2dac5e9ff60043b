package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// Waiting says what a job waits for if none of its pages is being fetched, given its status
// and counters as just read.
func (c *Client) Waiting(ctx context.Context, job crawler.Status, counters crawler.Counters) (waiting.Waiting, error) {
	if job.State.Ended() {
		return waiting.Waiting{}, nil
	}
	service, err := c.service(ctx, job, counters)
	if err != nil {
		return waiting.Waiting{}, err
	}
	return waiting.WaitsFor(job, counters, service), nil
}

// service reads what the fleet can do for a job, as far as it matters.
func (c *Client) service(ctx context.Context, job crawler.Status,
	counters crawler.Counters) (s waiting.Service, err error) {
	if s.Processes, err = c.store.Processes(ctx); err != nil {
		return s, err
	}
	if job.State != crawler.StateRunning || counters.Open > 0 {
		return s, nil
	}
	if s.Places, err = c.Capacity(job.Job.Name); err != nil {
		return s, err
	}
	if counters.Due > 0 && counters.Ready == 0 {
		s.Due, err = c.store.Frontier(job.Job).Due(ctx)
	}
	return s, err
}
