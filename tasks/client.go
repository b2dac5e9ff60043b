package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/parse"
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
	return c.CreateFrom(ctx, job, crawler.Origin{}, crawler.Opened{})
}

// CreateFrom creates a job as Create does, of an origin, and opens hosts and networks
// to the connections that workers make for this job alone. Call it only for an
// operator who may open them: the API of the dashboard does not.
func (c *Client) CreateFrom(ctx context.Context, job crawler.Job, origin crawler.Origin, opened crawler.Opened) error {
	if _, err := job.SeedEntries(); err != nil {
		return err
	}
	if err := job.Validate(); err != nil {
		return err
	}
	if err := parse.Check(job); err != nil {
		return err
	}
	if origin.Opens { // before any worker can see the job
		switch _, err := c.store.Status(ctx, job.Name); {
		case err == nil:
			return fmt.Errorf("job %q: %w", job.Name, crawler.ErrJobExists)
		case !errors.Is(err, crawler.ErrNoJob):
			return err
		}
		if err := c.store.OpenHosts(ctx, job.Name, opened); err != nil {
			return err
		}
	}
	return c.store.CreateFrom(ctx, job, origin)
}

// Capacity returns how many visits of a job the workers can carry out at once that
// serve its queue now: none when no worker runs, or none that has the job's
// handlers. A worker that has begun to serve it is counted after some seconds.
func (c *Client) Capacity(job string) (int, error) {
	n, err := c.queues.Capacity(job)
	if err != nil || n > 0 {
		return n, err
	}
	// asynq leaves out servers whose clock is behind; the workers' own list does not.
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

// capacityTerm is how long Redis may take to tell of the workers.
const capacityTerm = 5 * time.Second

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
// finished. While a periodic job is paused, no runs of it begin.
func (c *Client) Pause(ctx context.Context, job string) error {
	from := []crawler.State{crawler.StateRunning}
	if periodic, err := c.periodic(ctx, job); err != nil {
		return err
	} else if periodic {
		from = append(from, crawler.StateCreated)
	}
	return c.move(ctx, job, crawler.StatePaused, "paused", from...)
}

// periodic reports whether a job has a schedule. Such a job never runs itself: it
// is created, or paused, until it is cancelled.
func (c *Client) periodic(ctx context.Context, job string) (bool, error) {
	status, err := c.store.Status(ctx, job)
	return status.Job.Schedule != "", err
}

// Resume lets a job go on that was paused. One that is done is reopened: it waits
// for seeds, and is done again when it has fetched them. The error wraps [crawler.ErrJobEnded] for one whose
// budget is spent: [Client.Set] raises it. Of a periodic job, runs begin again from the next tick.
func (c *Client) Resume(ctx context.Context, job string) error {
	if periodic, err := c.periodic(ctx, job); err != nil {
		return err
	} else if periodic {
		return c.move(ctx, job, crawler.StateCreated, "", crawler.StatePaused, crawler.StateRunning)
	}
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return err
	}
	if budget, ok := strings.CutPrefix(status.Reason, "budget of "); ok && status.State == crawler.StateDone && budget != "pages per host" {
		return fmt.Errorf("job %q is done: %w: its budget of %s is spent: raise it (trawl job set %s %s=…, or 0 for no limit), and it goes on",
			job, crawler.ErrJobEnded, budget, job, budget)
	}
	return c.move(ctx, job, crawler.StateRunning, "", crawler.StatePaused, crawler.StateDone, crawler.StateFailed)
}

// Cancel ends a job for good. What it has fetched stays; nothing else does. Of a
// periodic job, no more runs begin, and those that have begun go on.
func (c *Client) Cancel(ctx context.Context, job string) error {
	return c.move(ctx, job, crawler.StateCancelled, "cancelled",
		crawler.StateCreated, crawler.StateRunning, crawler.StatePaused, crawler.StateFailed)
}

// move takes a job into a state. It is no error if the job is in it already.
func (c *Client) move(ctx context.Context, job string, to crawler.State, reason string, from ...crawler.State) error {
	moved, err := c.store.Move(ctx, job, to, reason, from...)
	if err != nil && !errors.Is(err, crawler.ErrGarbage) || moved {
		return err
	}
	status, err := c.store.Status(ctx, job)
	if err != nil || status.State == to {
		return err
	}
	if status.State == crawler.StateBroken {
		return fmt.Errorf("job %q is broken: %s", job, status.Reason)
	}
	if status.State.Ended() {
		return ended(status)
	}
	return fmt.Errorf("job %q is %s: it can not become %s", job, status.State, to)
}

// ended says of a job that it has ended, and what can be done.
func ended(job crawler.Status) error {
	if job.State == crawler.StateCancelled {
		return fmt.Errorf("job %q is cancelled: %w, and can not go on: create another", job.Job.Name, crawler.ErrJobEnded)
	}
	return fmt.Errorf("job %q is %s: %w: resume it to reopen it (trawl job resume %s)", job.Job.Name, job.State, crawler.ErrJobEnded, job.Job.Name)
}

// Remove deletes every key of a job, and of its asynq queue. A job that runs is to
// be cancelled before: the error wraps [crawler.ErrJobRuns]. The visits that it
// still has are waited for, up to some twenty seconds if their worker was lost.
// Runs of a periodic job are jobs of their own and stay.
func (c *Client) Remove(ctx context.Context, job string) error {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return err
	}
	if status.State == crawler.StateBroken {
		return c.removeBroken(ctx, job)
	}
	if _, err := c.store.Counters(ctx, job); errors.Is(err, crawler.ErrGarbage) && !status.State.Ended() {
		if err := c.Cancel(ctx, job); err != nil {
			return err
		}
		status.State = crawler.StateCancelled // it stands still, and nobody could end it otherwise
	}
	going := status.State == crawler.StateRunning || status.State == crawler.StatePaused
	if going && status.Job.Schedule == "" {
		return fmt.Errorf("job %q is %s: %w", job, status.State, crawler.ErrJobRuns)
	}
	if !status.State.Ended() { // let nobody begin it
		if err := c.Cancel(ctx, job); err != nil {
			return err
		}
	}
	if err := c.calm(ctx, status.Job); err != nil {
		return err
	}
	return c.store.Remove(ctx, job)
}

// removeBroken removes a job whose record cannot be read. Its workers let go of it
// when they see that, and its visits are waited for as those of others.
func (c *Client) removeBroken(ctx context.Context, job string) error {
	tick := time.NewTicker(calmEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		gone, _ := c.queues.Forget(job) // its queue may be garbage as well: the removal takes it
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
	// calmAfter is how long after its end a job is removed: by then, all processes of
	// the fleet know of it.
	calmAfter = 2 * time.Second
	// calmTerm is for how long tasks are waited for that asynq holds to be active:
	// longer than workers take to let go of a job. Those of workers that were lost
	// stay for minutes.
	calmTerm  = 20 * time.Second
	calmEvery = 100 * time.Millisecond
)

// calm deletes the queue of a job and waits until no visits of it are under way:
// what they did after the job is removed would stay behind. A Redis that is full
// sweeps no visits, and keys of a wrong type cannot be counted: then it waits for
// calmTerm, after which no visit holds a host.
func (c *Client) calm(ctx context.Context, job crawler.Job) error {
	frontier := c.store.Frontier(job)
	tick := time.NewTicker(calmEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		status, err := c.store.Status(ctx, job.Name)
		if err != nil {
			return err
		}
		// Of these errors none keeps a job from being removed: while they last, it is
		// not known to be calm, and a Redis that is away ends the loop above.
		gone, _ := c.queues.Forget(job.Name)
		_, _ = frontier.Sweep(ctx, 0)
		numbers, err := frontier.Counters(ctx)
		calm := gone && err == nil && numbers.Open == 0 || time.Since(began) > calmTerm
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
