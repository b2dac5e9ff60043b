package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
)

// Hosts lists at most limit hosts of a job: first those that are being visited, then those
// whose visit is enqueued, then those that wait for one. Hosts where nothing waits are not
// listed.
func (c *Client) Hosts(ctx context.Context, job string, limit int) ([]crawler.HostStatus, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	return c.store.Frontier(status.Job).Hosts(ctx, limit)
}

// Host returns the status of one host of a job, or an error that wraps [queue.ErrNoHost]
// or [queue.ErrNoJob].
func (c *Client) Host(ctx context.Context, job string, host crawler.Host) (crawler.HostStatus, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return crawler.HostStatus{}, err
	}
	return c.store.Frontier(status.Job).Host(ctx, host)
}

// Govern changes the rules for one host of a job: change gets those in force. It is called
// again if someone else has changed them meanwhile; if it returns an error, nothing is
// changed, and Govern returns that error. An open visit applies the rules within seconds. If
// forgive is set, the host is retried although it was given up, or left alone for a while,
// because it refused requests or could not be reached. The error names the rule that is out
// of range, or wraps [queue.ErrNoHost] or [queue.ErrNoJob].
func (c *Client) Govern(ctx context.Context, job string, host crawler.Host, change func(*crawler.HostRules) error,
	forgive bool) error {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return err
	}
	return c.store.Frontier(status.Job).Govern(ctx, host, func(r *crawler.HostRules) error {
		if err := change(r); err != nil {
			return err
		}
		return r.Validate()
	}, forgive)
}

// Garbage lists damaged data in the job's keys that was set aside: at most a hundred
// entries per shard, the latest first.
func (c *Client) Garbage(ctx context.Context, job string) ([]string, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	return c.store.GarbageOf(ctx, status.Job)
}

// Failures lists URLs of a job that failed permanently, and why, the latest first: one per
// visit, and at most fifty per shard. The records of the workers have all of them.
func (c *Client) Failures(ctx context.Context, job string) ([]string, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	return c.store.Frontier(status.Job).Failures(ctx)
}
