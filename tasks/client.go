package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// Client is the door to a fleet for programs: it creates jobs, seeds them,
// steers them, waits for them and reads their counters. It is safe for
// concurrent use.
type Client struct {
	store  *frontier.Store
	queues *Dispatcher
	close  func() error
}

// Open returns a client of the fleet whose Redis has the URL, such as
// redis://:password@host:6379/0, redis+sentinel://host:26379/master or
// redis+cluster://host:6379. It fails when the Redis does not answer, or has
// keys of another version of Trawl.
func Open(ctx context.Context, url string) (*Client, error) {
	endpoint, err := frontier.ParseEndpoint(url)
	if err != nil {
		return nil, err
	}
	rdb := endpoint.Client()
	store := frontier.New(rdb)
	if err := store.CheckSchema(ctx); err != nil {
		rdb.Close()
		return nil, err
	}
	c := NewClient(store, endpoint)
	c.close = rdb.Close
	return c, nil
}

// NewClient returns a client over a store and its Redis, which the caller
// closes.
func NewClient(store *frontier.Store, redis asynq.RedisConnOpt) *Client {
	return &Client{store: store, queues: NewDispatcher(redis, 0), close: func() error { return nil }}
}

// Close ends the client's connections.
func (c *Client) Close() error { return errors.Join(c.queues.Close(), c.close()) }

// Create creates a job. A scheduler of the fleet admits its seeds and lets it
// run; a job without seeds waits for some. The error wraps
// [crawler.ErrJobExists] if there is one of the name, and otherwise names the
// setting that is wrong.
func (c *Client) Create(ctx context.Context, job crawler.Job) error {
	if _, err := job.SeedEntries(); err != nil {
		return err
	}
	return c.store.Create(ctx, job)
}

// Jobs lists all jobs, by name.
func (c *Client) Jobs(ctx context.Context) ([]crawler.Status, error) { return c.store.Statuses(ctx) }

// Status returns a job with its state, or an error that wraps [crawler.ErrNoJob].
func (c *Client) Status(ctx context.Context, job string) (crawler.Status, error) {
	return c.store.Status(ctx, job)
}

// Counters returns the numbers of a job. They cost the same however large it is.
func (c *Client) Counters(ctx context.Context, job string) (crawler.Counters, error) {
	return c.store.Counters(ctx, job)
}

// Homes returns the hosts that a job's scope goes by: those of its own seeds and
// of all that were brought since.
func (c *Client) Homes(ctx context.Context, job string) ([]crawler.Host, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	seeds, err := status.Job.SeedEntries()
	if err != nil {
		return nil, err
	}
	homes, err := c.store.Homes(ctx, job)
	for _, e := range seeds {
		homes = append(homes, e.URL.Host())
	}
	return homes, err
}

// waitEvery is how often Wait looks.
const waitEvery = 250 * time.Millisecond

// Wait returns the status of a job when it has ended, or the error of ctx.
func (c *Client) Wait(ctx context.Context, job string) (crawler.Status, error) {
	tick := time.NewTicker(waitEvery)
	defer tick.Stop()
	for {
		status, err := c.store.Status(ctx, job)
		if err != nil || status.State.Ended() {
			return status, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return status, ctx.Err()
		}
	}
}

// Pause lets a job fetch no more until it is resumed. What is under way is
// finished.
func (c *Client) Pause(ctx context.Context, job string) error {
	return c.move(ctx, job, crawler.StatePaused, "paused", crawler.StateRunning)
}

// Resume lets a job go on that was paused, or one that is done and to which
// seeds are brought.
func (c *Client) Resume(ctx context.Context, job string) error {
	return c.move(ctx, job, crawler.StateRunning, "", crawler.StatePaused, crawler.StateDone, crawler.StateFailed)
}

// Cancel ends a job for good. What it has fetched stays; nothing else does.
func (c *Client) Cancel(ctx context.Context, job string) error {
	return c.move(ctx, job, crawler.StateCancelled, "cancelled",
		crawler.StateCreated, crawler.StateRunning, crawler.StatePaused, crawler.StateFailed)
}

// move takes a job into a state. It is no error if the job is in it already.
func (c *Client) move(ctx context.Context, job string, to crawler.State, reason string, from ...crawler.State) error {
	moved, err := c.store.Move(ctx, job, to, reason, from...)
	if err != nil || moved {
		return err
	}
	status, err := c.store.Status(ctx, job)
	if err != nil || status.State == to {
		return err
	}
	if status.State.Ended() {
		return fmt.Errorf("job %q is %s: %w", job, status.State, crawler.ErrJobEnded)
	}
	return fmt.Errorf("job %q is %s: it can not become %s", job, status.State, to)
}

// Remove deletes every key of a job, and its asynq queue. A job that runs is to
// be cancelled before.
func (c *Client) Remove(ctx context.Context, job string) error {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return err
	}
	if status.State == crawler.StateRunning || status.State == crawler.StatePaused {
		return fmt.Errorf("job %q is %s: cancel it before it is removed", job, status.State)
	}
	if err := c.store.Remove(ctx, job); err != nil {
		return err
	}
	return c.queues.Forget(job)
}
