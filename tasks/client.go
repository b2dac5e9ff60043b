package tasks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
)

const (
	// keptVisits is about how many completed visits of a job stay visible with
	// their results; each costs some 900 bytes of Redis.
	keptVisits   = 10_000
	minRetention = 10 * time.Second
	maxRetention = time.Hour
	// capacityAge is for how long the fleet's capacity is taken to be the same.
	capacityAge = time.Second
)

// Client enqueues visits and tells how many the fleet can take. It is safe for
// concurrent use.
type Client struct {
	client    *asynq.Client
	inspector *asynq.Inspector
	timeout   time.Duration

	mu       sync.Mutex
	rates    map[string]*rate
	servers  []*asynq.ServerInfo
	askedAt  time.Time
	askedErr error
}

// NewClient returns a client on a Redis. timeout bounds each visit: asynq ends
// the context of one that lasts longer.
func NewClient(redis asynq.RedisConnOpt, timeout time.Duration) *Client {
	return &Client{
		client: asynq.NewClient(redis), inspector: asynq.NewInspector(redis),
		timeout: timeout, rates: make(map[string]*rate),
	}
}

// Close ends the client's connections.
func (c *Client) Close() error {
	return errors.Join(c.client.Close(), c.inspector.Close())
}

// Enqueue enqueues a visit into the queue of its job. Enqueueing it again does
// nothing.
func (c *Client) Enqueue(ctx context.Context, job crawler.Status, o crawler.Order) error {
	visit := Visit{Job: job.Job.Name, Run: job.Created.UnixMilli(), Host: o.Host, Epoch: o.Epoch}
	task, err := visit.task(c.timeout, c.retention(visit.Job))
	if err != nil {
		return err
	}
	_, err = c.client.EnqueueContext(ctx, task)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue the visit of %s: %w", o.Host, err)
	}
	return nil
}

// retention keeps about keptVisits of a job visible.
func (c *Client) retention(job string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rates[job] == nil {
		c.rates[job] = &rate{}
	}
	return retentionAt(c.rates[job].note(time.Now()))
}

// retentionAt is for how long visits are kept of which so many end a second.
func retentionAt(perSecond float64) time.Duration {
	return min(max(time.Duration(keptVisits/perSecond)*time.Second, minRetention), maxRetention)
}

// rate counts events in spans of ten seconds.
type rate struct {
	began time.Time
	count float64
	last  float64 // a second, in the span before
}

const rateSpan = 10 * time.Second

// note counts one event and returns the events a second, more than 0.
func (r *rate) note(now time.Time) float64 {
	if since := now.Sub(r.began); since >= rateSpan {
		r.last = r.count / since.Seconds()
		r.began, r.count = now, 0
	}
	r.count++
	return max(r.last, r.count/rateSpan.Seconds())
}

// Capacity is how many visits of a job the workers that serve its queue can
// carry out at once.
func (c *Client) Capacity(job string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.askedAt) > capacityAge {
		c.servers, c.askedErr = c.inspector.Servers()
		c.askedAt = time.Now()
	}
	if c.askedErr != nil {
		return 0, fmt.Errorf("ask for the fleet's workers: %w", c.askedErr)
	}
	capacity := 0
	for _, s := range c.servers {
		if s.Queues[job] > 0 && s.Status == "active" {
			capacity += s.Concurrency
		}
	}
	return capacity, nil
}

// Forget deletes the queue of a job with its tasks. asynq deletes no task that
// is active: visits that are under way, or whose worker died, leave theirs
// behind until they end or are recovered, and their queue with them.
func (c *Client) Forget(job string) error {
	active, err := c.inspector.ListActiveTasks(job, asynq.PageSize(1))
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return nil
	}
	if err == nil {
		err = c.empty(job)
	}
	if err == nil && len(active) == 0 {
		err = c.inspector.DeleteQueue(job, true)
	}
	if err != nil {
		return fmt.Errorf("delete queue %s: %w", job, err)
	}
	return nil
}

// empty deletes all tasks that are not active. DeleteQueue would forget where
// the completed ones are, and leave them for ever.
func (c *Client) empty(job string) error {
	for _, deleteAll := range []func(queue string) (int, error){
		c.inspector.DeleteAllPendingTasks, c.inspector.DeleteAllScheduledTasks, c.inspector.DeleteAllRetryTasks,
		c.inspector.DeleteAllCompletedTasks, c.inspector.DeleteAllArchivedTasks,
	} {
		if _, err := deleteAll(job); err != nil {
			return err
		}
	}
	return nil
}
