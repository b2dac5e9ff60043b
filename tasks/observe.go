package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/spread"
	"github.com/trawlcrawler/trawl/internal/tail"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// Members lists the live processes of the fleet, with their last signs of life and loads.
func (c *Client) Members(ctx context.Context) ([]waiting.Member, error) { return c.store.Members(ctx) }

// Vitals returns what the fleet's Redis reports about itself.
func (c *Client) Vitals(ctx context.Context) (redisconn.Vitals, error) { return c.store.Vitals(ctx) }

// Recent returns what a job had done in each of the last seconds, at most limit, the oldest
// first.
func (c *Client) Recent(ctx context.Context, job string, limit int) ([]forecast.Sample, error) {
	return c.store.Recent(ctx, job, limit)
}

// History returns what a job had done over the last day.
func (c *Client) History(ctx context.Context, job string) (forecast.History, error) {
	return c.store.History(ctx, job)
}

// Use returns what the places of a job's workers are used for, and what limits the job. It is
// zero for a job that does not run. numbers are the job's counters as just read.
func (c *Client) Use(ctx context.Context, job crawler.Status, numbers crawler.Counters) (forecast.Use, error) {
	if job.State != crawler.StateRunning {
		return forecast.Use{}, nil
	}
	members, err := c.store.Members(ctx)
	if err != nil {
		return forecast.Use{}, err
	}
	use := forecast.UseOf(job.Job.Name, members, numbers)
	var hosts []crawler.HostStatus
	if use.NeedsHosts(numbers) {
		if hosts, err = c.store.Frontier(job.Job).Hosts(ctx, forecast.MaxNamed); err != nil {
			return forecast.Use{}, err
		}
	}
	use.Advice = use.Advise(numbers, hosts, job.Now)
	return use, nil
}

// Estimate returns how long a job still takes. It is zero for a job that does not run, or that no
// scheduler runs. numbers are the job's counters as just read.
func (c *Client) Estimate(
	ctx context.Context, job crawler.Status, numbers crawler.Counters,
) (forecast.Estimate, error) {
	if job.State != crawler.StateRunning {
		return forecast.Estimate{}, nil
	}
	samples, err := c.store.Recent(ctx, job.Job.Name, forecast.EstimateSamples)
	if err != nil || len(samples) == 0 || job.Now.Sub(samples[len(samples)-1].At) > forecast.StaleSample {
		return forecast.Estimate{}, err
	}
	hosts, err := c.hosts.get(ctx, job)
	return forecast.EstimateOf(job, numbers, samples, hosts), err
}

// Tail returns what the workers of a job have reported of its recent pages since a position,
// which is 0 at first and then [tail.Excerpt.Next]. Workers report a sample, and only while
// someone calls Tail at least every few seconds; call it about once a second.
func (c *Client) Tail(ctx context.Context, job string, since int64) (tail.Excerpt, error) {
	return c.store.Tail(ctx, job, since)
}

// HostTail returns the last pages of a host that workers have reported, the latest first. They
// report all of its pages, but only while someone calls HostTail at least every few seconds.
func (c *Client) HostTail(ctx context.Context, job string, host crawler.Host) ([]tail.Row, error) {
	return c.store.HostTail(ctx, job, host)
}

// Spread returns how the pages of a job are distributed. Workers add to it once a second, so a
// worker that is killed may lose the last second; pages that are fetched again count again.
func (c *Client) Spread(ctx context.Context, job string) (spread.Counts, error) {
	return c.store.Spread(ctx, job)
}

// Places lists where workers keep the pages of a job, sorted by worker.
func (c *Client) Places(ctx context.Context, job string) ([]queue.Kept, error) {
	return c.store.Places(ctx, job)
}

// Queued returns the first URLs of a host, at most limit: those in flight, then those that
// wait, then those to be retried. A host that the job has not met has none.
func (c *Client) Queued(ctx context.Context, job string, host crawler.Host, limit int) ([]queue.Location, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	return c.store.Frontier(status.Job).Queued(ctx, host, limit)
}

// Robots returns what the fleet remembers of the robots.txt of a host, for https and http.
// Nothing is requested.
func (c *Client) Robots(ctx context.Context, job string, host crawler.Host) (all []queue.Robots, err error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	cache := robots.New(c.store.RobotsCache(), robots.Config{})
	for _, scheme := range []string{"https://", "http://"} {
		u, err := crawler.ParseURL(scheme + string(host) + "/")
		if err != nil {
			return nil, err
		}
		known, err := cache.Recall(ctx, status.Job.ProductToken(), u)
		if err != nil {
			return nil, err
		}
		if !known.At.IsZero() {
			all = append(all, queue.Robots{Origin: u.Origin(), At: known.At, Unavailable: known.Unavailable, Text: known.Text})
		}
	}
	return all, nil
}
