package trawl

import (
	"context"
	"fmt"
	"iter"
	"log/slog"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/tasks"
)

// Client controls the jobs of a fleet: it creates, seeds, changes and ends them, and reads
// how far they are. The fetching is done by the fleet's own processes, by [Work] or by trawl
// worker. All methods return errors that wrap [ErrUnavailable] while Redis cannot be reached, and
// the error of ctx and its cause if ctx has ended. A Client is safe for concurrent use.
type Client struct {
	fleet    *tasks.Client
	unlisten func() // ends what is dropped of go-redis; nil for the client of a Fleet
}

// Connect returns a client of the fleet whose Redis has the given URL, such as
// redis://:password@host:6379/0, redis+sentinel://host:26379/master or
// redis+cluster://host:6379. It returns an error if Redis does not respond, or has keys of
// another version of Trawl. Close the client after use.
func Connect(ctx context.Context, url string) (_ *Client, err error) {
	defer typed(ctx, &err)
	unlisten := redisconn.Listen(slog.New(slog.DiscardHandler)) // methods return the errors
	fleet, err := tasks.Open(ctx, url)
	if err != nil {
		unlisten()
		return nil, err
	}
	return &Client{fleet, unlisten}, nil
}

// Close closes the client's connections. Jobs are not affected.
func (c *Client) Close() error {
	if c.unlisten != nil {
		defer c.unlisten()
	}
	return c.fleet.Close()
}

// Create creates a job. A scheduler of the fleet admits its seeds and starts it; a job
// without seeds waits for some. The job may connect to the ports of its seeds. The error
// wraps [ErrJobExists] if a job with that name exists. Otherwise it names the
// setting that is wrong.
func (c *Client) Create(ctx context.Context, job Job) (err error) {
	defer typed(ctx, &err)
	job = complete(job)
	if err := validate(job); err != nil {
		return fmt.Errorf("trawl: create job %q: %w", job.Name, err)
	}
	return c.fleet.Create(ctx, job)
}

// Seed adds URLs to a job that has not ended. The list is read while it is admitted, so it
// may have any length; the job does not end meanwhile. Each string is a URL, or a URL with a
// priority as JSON: {"url": "https://example.com/", "priority": "low"}. Adding a URL again
// changes nothing, not even its priority. A string that is not a URL is counted as refused;
// the first refusals are listed with their reasons. An error of the list ends the seeding
// after the lines before it are admitted. The error wraps [ErrNoJob] or [ErrJobEnded] if the
// job takes no seeds, even if it ends meanwhile. progress, unless nil, is called now and then.
func (c *Client) Seed(ctx context.Context, job string, urls iter.Seq2[string, error],
	progress func(Seeding)) (_ Seeding, err error) {
	defer typed(ctx, &err)
	return c.fleet.Seed(ctx, job, urls, progress)
}

// NewSeedTask returns an asynq task that adds URLs to a job, for programs that enqueue tasks
// anyway. The schedulers of the fleet carry it out; its result is a [Seeding] in
// JSON. It returns an error for more than [tasks.MaxSeedURLs] URLs, or more bytes than
// [tasks.MaxSeedPayload].
func NewSeedTask(job string, urls []string) (*asynq.Task, error) { return tasks.NewSeedTask(job, urls) }

// Jobs lists all jobs, sorted by name.
func (c *Client) Jobs(ctx context.Context) (_ []Status, err error) {
	defer typed(ctx, &err)
	return c.fleet.Jobs(ctx)
}

// Status returns a job with its state, or an error that wraps [ErrNoJob].
func (c *Client) Status(ctx context.Context, job string) (_ Status, err error) {
	defer typed(ctx, &err)
	return c.fleet.Status(ctx, job)
}

// Counters returns the counters of a job. Reading them takes the same time whatever the
// size of the job.
func (c *Client) Counters(ctx context.Context, job string) (_ Counters, err error) {
	defer typed(ctx, &err)
	return c.fleet.Counters(ctx, job)
}

// Hosts lists at most limit hosts of a job: first those that are being visited, then those
// whose visit is enqueued, then those that wait for one. Hosts where nothing waits are not
// listed.
func (c *Client) Hosts(ctx context.Context, job string, limit int) (_ []HostStatus, err error) {
	defer typed(ctx, &err)
	return c.fleet.Hosts(ctx, job, limit)
}

// Wait waits until a job has ended and returns its status, or returns the error of ctx.
func (c *Client) Wait(ctx context.Context, job string) (_ Status, err error) {
	defer typed(ctx, &err)
	return c.fleet.Wait(ctx, job)
}

// Set changes settings of a job, even while it runs. Workers and schedulers apply them
// within two seconds. Either all changes are made or none. If a job is done because of a
// budget, and the budget is raised beyond what is spent, the job continues. The error is a
// [SettingError] for a setting that cannot be changed or a value that is invalid.
// It wraps [ErrJobChanged] if someone changed the same settings meanwhile,
// [ErrNoJob], or [ErrJobEnded] for a job that was cancelled.
func (c *Client) Set(ctx context.Context, job string, changes Changes) (_ Adjustment, err error) {
	defer typed(ctx, &err)
	done, err := c.fleet.Set(ctx, job, setting.AnyRevision, setting.Changes(changes))
	return Adjustment(done), err
}

// Pause stops a job from fetching until it is resumed. Requests in progress finish. While a
// periodic job is paused, none of its runs start.
func (c *Client) Pause(ctx context.Context, job string) (err error) {
	defer typed(ctx, &err)
	return c.fleet.Pause(ctx, job)
}

// Resume continues a job that was paused. A job that is done is reopened: it waits for
// seeds, and is done again when it has fetched them. The error wraps [ErrJobEnded]
// for a job whose budget is spent: [Client.Set] raises it. For a periodic job, runs start
// again from the next tick.
func (c *Client) Resume(ctx context.Context, job string) (err error) {
	defer typed(ctx, &err)
	return c.fleet.Resume(ctx, job)
}

// Cancel ends a job for good. What it has fetched stays where the workers keep it. For a
// periodic job, no more runs start, and those that have started continue.
func (c *Client) Cancel(ctx context.Context, job string) (err error) {
	defer typed(ctx, &err)
	return c.fleet.Cancel(ctx, job)
}

// Remove deletes all that Redis has of a job, so that its name can be used again; the
// results stay where the workers keep them. A running job must be cancelled first: the
// error wraps [ErrJobRuns]. Remove waits for the job's last visits, up to some
// twenty seconds if their worker was lost.
func (c *Client) Remove(ctx context.Context, job string) (err error) {
	defer typed(ctx, &err)
	return c.fleet.Remove(ctx, job)
}
