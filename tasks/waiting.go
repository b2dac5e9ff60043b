package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
)

// Waiting says what a job waits for, if no page of it is fetched at the moment, given
// its status and its numbers as they were just read.
func (c *Client) Waiting(ctx context.Context, job crawler.Status, numbers crawler.Counters) (crawler.Waiting, error) {
	if job.State.Ended() {
		return crawler.Waiting{}, nil
	}
	service, err := c.service(ctx, job, numbers)
	if err != nil {
		return crawler.Waiting{}, err
	}
	return job.WaitsFor(numbers, service), nil
}

// service reads what the fleet has for a job, as far as it matters.
func (c *Client) service(ctx context.Context, job crawler.Status, numbers crawler.Counters) (s crawler.Service, err error) {
	if s.Processes, err = c.store.Processes(ctx); err != nil {
		return s, err
	}
	if job.State != crawler.StateRunning || numbers.Open > 0 {
		return s, nil
	}
	if s.Places, err = c.Capacity(job.Job.Name); err != nil {
		return s, err
	}
	if numbers.Due > 0 && numbers.Ready == 0 {
		s.Due, err = c.store.Frontier(job.Job).Due(ctx)
	}
	return s, err
}
