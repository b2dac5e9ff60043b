package tasks

import (
	"context"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
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
	if s.Processes, err = c.processes.get(ctx); err != nil {
		return s, err
	}
	if job.State != crawler.StateRunning || counters.Open > 0 && s.Visits(job) {
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

// processList is the list of a fleet's processes as it was a moment ago: a page of hundreds of
// jobs needs it for each. It is safe for concurrent use.
type processList struct {
	store *frontier.Store

	mu   sync.Mutex
	all  []waiting.Process
	read time.Time
}

// processesAge is how old the list may be.
const processesAge = 250 * time.Millisecond

// get returns the list. The caller must not change it.
func (l *processList) get(ctx context.Context) ([]waiting.Process, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.read) < processesAge {
		return l.all, nil
	}
	all, err := l.store.Processes(ctx)
	if err != nil {
		return nil, err
	}
	l.all, l.read = all, time.Now()
	return all, nil
}
