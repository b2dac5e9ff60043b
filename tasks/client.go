package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// Client is the API of a fleet for Go programs: it creates, seeds, controls and waits for
// jobs, and reads their counters. It is safe for concurrent use.
type Client struct {
	store     *frontier.Store
	queues    *wire.Dispatcher
	processes processList
	hosts     hostLists
	close     func() error
}

// Open returns a client of the fleet whose Redis has the given URL, such as
// redis://:password@host:6379/0, redis+sentinel://host:26379/master or
// redis+cluster://host:6379. It returns an error if Redis does not respond, or has keys of
// another version of Trawl.
func Open(ctx context.Context, url string) (*Client, error) {
	endpoint, err := redisconn.ParseEndpoint(url)
	if err != nil {
		return nil, err
	}
	rdb := endpoint.Client()
	store := frontier.New(rdb)
	err = endpoint.Ping(ctx, rdb)
	if err == nil {
		err = store.CheckSchema(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	c := NewClient(store, endpoint)
	c.close = rdb.Close
	return c, nil
}

// NewClient returns a client that uses a store and its Redis, which the caller closes.
func NewClient(store *frontier.Store, redis asynq.RedisConnOpt) *Client {
	store.OpenSpills(func(ctx context.Context, where string) (frontier.SpillPlace, error) {
		return output.Open(context.WithoutCancel(ctx), where)
	})
	return &Client{store: store, queues: wire.NewDispatcher(redis, 0), processes: processList{store: store},
		hosts: hostLists{store: store},
		close: func() error { return nil }}
}

// Close closes the client's connections.
func (c *Client) Close() error { return errors.Join(c.queues.Close(), c.close()) }

// Create creates a job. A scheduler of the fleet admits its seeds and starts it; a job
// without seeds waits for some. The job may connect to the ports of its seeds. The error
// wraps [queue.ErrJobExists] if a job with that name exists. Otherwise it names the
// setting that is wrong.
func (c *Client) Create(ctx context.Context, job crawler.Job) error {
	return c.CreateFrom(ctx, job, queue.Origin{}, queue.Opened{})
}

// CreateClosed is Create for clients that may use the API but are not operators: seeds open
// no ports.
func (c *Client) CreateClosed(ctx context.Context, job crawler.Job) error {
	return c.create(ctx, job, queue.Origin{}, queue.Opened{}, nil)
}

// CreateFrom is Create with an origin. It also lets workers connect to the given hosts and
// networks for this job alone. Call it only for an operator who may allow that: the API of
// the dashboard does not.
func (c *Client) CreateFrom(ctx context.Context, job crawler.Job, origin queue.Origin, opened queue.Opened) error {
	seeds, err := rules.SeedEntries(job)
	if err != nil {
		return err
	}
	hosts := make([]crawler.Host, len(seeds))
	for i, e := range seeds {
		hosts[i] = e.URL.Host()
	}
	return c.create(ctx, job, origin, opened, queue.Ports(hosts))
}

func (c *Client) create(ctx context.Context, job crawler.Job, origin queue.Origin, opened queue.Opened,
	ports []string) error {
	if _, err := rules.SeedEntries(job); err != nil {
		return err
	}
	if err := rules.Validate(job); err != nil {
		return err
	}
	if err := parse.Check(job); err != nil {
		return err
	}
	if origin.Opens || len(ports) > 0 { // before any worker can see the job
		switch _, err := c.store.Status(ctx, job.Name); {
		case err == nil:
			return fmt.Errorf("job %q: %w", job.Name, queue.ErrJobExists)
		case !errors.Is(err, queue.ErrNoJob):
			return err
		}
		if err := c.store.OpenPorts(ctx, job.Name, ports); err != nil {
			return err
		}
	}
	if origin.Opens {
		if err := c.store.OpenHosts(ctx, job.Name, opened); err != nil {
			return err
		}
	}
	return c.store.CreateFrom(ctx, job, origin)
}

// Capacity returns how many visits of a job the workers that serve its queue can run at
// once: 0 if no worker runs, or none that has the job's handlers. A worker that has just
// started to serve the queue is counted after some seconds.
func (c *Client) Capacity(job string) (int, error) {
	n, err := c.queues.Capacity(job)
	if err != nil || n > 0 {
		return n, err
	}
	// asynq leaves out servers whose clock is behind; the list of workers in Redis does
	// not.
	ctx, cancel := context.WithTimeout(context.Background(), capacityTerm)
	defer cancel()
	workers, err := c.store.Workers(ctx)
	for _, w := range workers {
		if w.Serves(job) {
			n += w.Places
		}
	}
	return n, err
}

// capacityTerm is how long reading the list of workers may take.
const capacityTerm = 5 * time.Second

// Jobs lists all jobs, sorted by name.
func (c *Client) Jobs(ctx context.Context) ([]crawler.Status, error) { return c.store.Statuses(ctx) }

// Status returns a job with its state, or an error that wraps [queue.ErrNoJob].
func (c *Client) Status(ctx context.Context, job string) (crawler.Status, error) {
	return c.store.Status(ctx, job)
}

// Counters returns the counters of a job. Reading them takes the same time whatever the
// size of the job.
func (c *Client) Counters(ctx context.Context, job string) (crawler.Counters, error) {
	return c.store.Counters(ctx, job)
}

// Homes returns the hosts that define a job's scope: those of its own seeds and of all
// seeds that were added later.
func (c *Client) Homes(ctx context.Context, job string) ([]crawler.Host, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	seeds, err := rules.SeedEntries(status.Job)
	if err != nil {
		return nil, err
	}
	homes, err := c.store.Homes(ctx, job)
	for _, e := range seeds {
		homes = append(homes, e.URL.Host())
	}
	return homes, err
}

// waitEvery is the polling interval of Wait.
const waitEvery = 250 * time.Millisecond

// Wait waits until a job has ended and returns its status, or returns the error of ctx.
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

// Pause stops a job from fetching until it is resumed. Requests in progress finish. While a
// periodic job is paused, none of its runs start.
func (c *Client) Pause(ctx context.Context, job string) error {
	return c.move(ctx, job, crawler.StatePaused, "paused", crawler.StateRunning, crawler.StateCreated)
}

// Resume continues a job that was paused. A job that is done is reopened: it waits for
// seeds, and is done again when it has fetched them. The error wraps [queue.ErrJobEnded]
// for a job whose budget is spent: [Client.Set] raises it. For a periodic job, runs start
// again from the next tick.
func (c *Client) Resume(ctx context.Context, job string) error {
	status, err := c.store.Status(ctx, job)
	switch {
	case err != nil:
		return err
	case status.Job.Schedule != "": // it never runs itself: its state is created or paused until it is cancelled
		return c.move(ctx, job, crawler.StateCreated, "", crawler.StatePaused, crawler.StateRunning)
	case status.Started.IsZero() && !status.State.Ended(): // its seeds may not be admitted yet
		return c.move(ctx, job, crawler.StateCreated, "", crawler.StatePaused)
	}
	if budget, ok := strings.CutPrefix(status.Reason, "budget of "); ok && status.State == crawler.StateDone &&
		budget != "pages per host" {
		return fmt.Errorf("job %q is done: %w: its budget of %s is spent: to continue, raise it (trawl job set %s %s=…, or 0 for no limit)",
			job, queue.ErrJobEnded, budget, job, budget)
	}
	return c.move(ctx, job, crawler.StateRunning, "", crawler.StatePaused, crawler.StateDone, crawler.StateFailed)
}

// Cancel ends a job for good. What it has fetched stays; nothing else does. For a periodic
// job, no more runs start, and those that have started continue.
func (c *Client) Cancel(ctx context.Context, job string) error {
	return c.move(ctx, job, crawler.StateCancelled, "cancelled",
		crawler.StateCreated, crawler.StateRunning, crawler.StatePaused, crawler.StateFailed)
}

// moveTries is how often move tries to change the state of a job that other clients change
// at the same time.
const moveTries = 5

// move changes the state of a job. It does nothing if the job is already in that state. The
// error wraps [queue.ErrJobEnded] for a job that has ended, and [queue.ErrJobState] for
// one whose state does not allow the change.
func (c *Client) move(ctx context.Context, job string, to crawler.State, reason string, from ...crawler.State) error {
	for tries := 1; ; tries++ {
		moved, err := c.store.Move(ctx, job, to, reason, from...)
		if err != nil && !errors.Is(err, queue.ErrGarbage) || moved {
			return err
		}
		status, err := c.store.Status(ctx, job)
		switch {
		case err != nil || status.State == to:
			return err
		case status.State == crawler.StateBroken:
			return fmt.Errorf("job %q is broken: %s", job, status.Reason)
		case slices.Contains(from, status.State) && tries < moveTries: // another client has changed it since
		case status.State.Ended():
			return ended(status)
		default:
			return fmt.Errorf("job %q is %s: %w: it cannot become %s", job, status.State, queue.ErrJobState, to)
		}
	}
}

// ended returns the error for a job that has ended. It says what to do.
func ended(job crawler.Status) error {
	if job.State == crawler.StateCancelled {
		return fmt.Errorf("job %q is cancelled: %w and cannot be resumed: create another", job.Job.Name,
			queue.ErrJobEnded)
	}
	return fmt.Errorf("job %q is %s: %w: resume it to reopen it (trawl job resume %s)", job.Job.Name, job.State,
		queue.ErrJobEnded, job.Job.Name)
}

// Remove deletes all keys of a job, and of its asynq queue. A running job must be cancelled
// first: the error wraps [queue.ErrJobRuns]. Remove waits for the job's last visits, up
// to some twenty seconds if their worker was lost. Runs of a periodic job are jobs of their
// own and stay.
func (c *Client) Remove(ctx context.Context, job string) error {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return err
	}
	if status.State == crawler.StateBroken {
		return c.removeBroken(ctx, job)
	}
	if _, err := c.store.Counters(ctx, job); errors.Is(err, queue.ErrGarbage) && !status.State.Ended() {
		if err := c.Cancel(ctx, job); err != nil {
			return err
		}
		status.State = crawler.StateCancelled // it stands still, and could not be ended otherwise
	}
	going := status.State == crawler.StateRunning || status.State == crawler.StatePaused
	if going && status.Job.Schedule == "" {
		return fmt.Errorf("job %q is %s: %w", job, status.State, queue.ErrJobRuns)
	}
	if !status.State.Ended() { // so that it is not started
		if err := c.Cancel(ctx, job); err != nil {
			return err
		}
	}
	if err := c.calm(ctx, status.Job); err != nil {
		return err
	}
	if err := c.passOn(ctx, job); err != nil && !redisconn.IsFull(err) { // then it is removed to make room
		return err
	}
	return c.store.Remove(ctx, job)
}

// removeBroken removes a job whose record cannot be read. Its workers stop working on it
// when they see that, and its visits are waited for as usual.
func (c *Client) removeBroken(ctx context.Context, job string) error {
	tick := time.NewTicker(calmEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		gone, _ := c.queues.Forget(job) // the queue may be garbage, too; Remove deletes it
		if since := time.Since(began); since > calmTerm || gone && since > calmAfter {
			return c.store.Remove(ctx, job)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	// calmAfter is how long after its end a job is removed. By then, all processes of the
	// fleet have seen that it ended.
	calmAfter = 2 * time.Second
	// calmTerm is how long to wait for tasks that asynq considers active. It is longer than
	// workers take to stop working on a job. Tasks of lost workers stay for minutes.
	calmTerm  = 20 * time.Second
	calmEvery = 100 * time.Millisecond
)

// calm deletes the queue of a job and waits until none of its visits is open, because what
// they did after the job is removed would stay behind. If Redis is full, visits are not
// swept, and keys of a wrong type cannot be counted. Then it waits for calmTerm, after
// which no visit holds a host.
func (c *Client) calm(ctx context.Context, job crawler.Job) error {
	frontier := c.store.Frontier(job)
	tick := time.NewTicker(calmEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		status, err := c.store.Status(ctx, job.Name)
		if err != nil {
			return err
		}
		// These errors do not prevent the removal: while they last, the job is not known to
		// be calm, and if Redis is unavailable, reading the status ends the loop.
		gone, _ := c.queues.Forget(job.Name)
		_, _ = frontier.Sweep(ctx, 0)
		counters, err := frontier.Counters(ctx)
		calm := gone && err == nil && counters.Open == 0 || time.Since(began) > calmTerm
		if calm && status.Now.Sub(status.Ended) > calmAfter {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
