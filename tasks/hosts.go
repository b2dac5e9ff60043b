package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
)

// Hosts lists hosts of a job, at most limit: those that are visited, then those
// whose visit is enqueued, then those that wait for one. Hosts where nothing
// waits are not among them.
func (c *Client) Hosts(ctx context.Context, job string, limit int) ([]crawler.HostStatus, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	return c.store.Frontier(status.Job).Hosts(ctx, limit)
}

// Host returns what is known of one host of a job, or an error that wraps
// [crawler.ErrNoHost] or [crawler.ErrNoJob].
func (c *Client) Host(ctx context.Context, job string, host crawler.Host) (crawler.HostStatus, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return crawler.HostStatus{}, err
	}
	return c.store.Frontier(status.Job).Host(ctx, host)
}

// Govern lets rules hold for one host of a job, instead of those before. A visit
// that is under way takes them up within seconds. If forgive is set, the host is
// asked again although it was given up, or left alone for a while, because it
// refused or was not reached. The error names the rule that is out of range, or
// wraps [crawler.ErrNoHost] or [crawler.ErrNoJob].
func (c *Client) Govern(ctx context.Context, job string, host crawler.Host, rules crawler.HostRules, forgive bool) error {
	if err := rules.Validate(); err != nil {
		return err
	}
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return err
	}
	return c.store.Frontier(status.Job).Govern(ctx, host, rules, forgive)
}

// Garbage lists what was found in the job's keys that is not what it should be, and
// was set aside: at most a hundred of each shard, the last first.
func (c *Client) Garbage(ctx context.Context, job string) ([]string, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	return c.store.GarbageOf(ctx, status.Job)
}

// Failures lists URLs of a job that failed for good, and why, the last first: one
// of each visit, and at most fifty of each shard. The records of the workers have
// all.
func (c *Client) Failures(ctx context.Context, job string) ([]string, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	return c.store.Frontier(status.Job).Failures(ctx)
}
