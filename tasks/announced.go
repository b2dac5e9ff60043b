package tasks

import (
	"context"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/seedfile"
)

// Covers reports whether a host is in the scope of a job that runs. It is not if there is no such job.
func (c *Client) Covers(ctx context.Context, status crawler.Status, host crawler.Host) (bool, error) {
	if status.State.Ended() {
		return false, nil
	}
	scope, err := c.scopeOf(ctx, status)
	return err == nil && scope.CoversLink(host), err
}

// Announced takes pages of a job that a site has announced as new or changed: those in scope that the
// job has not met are admitted, as seeds that open nothing, and those that a continuous job has
// fetched are due again, as far as their site was right before. It does nothing for a job that has ended.
func (c *Client) Announced(ctx context.Context, job string, urls []crawler.URL) error {
	status, err := c.store.Status(ctx, job)
	if err != nil || status.State.Ended() {
		return err
	}
	scope, err := c.scopeOf(ctx, status)
	if err != nil {
		return err
	}
	urls = slices.DeleteFunc(slices.Clone(urls), func(u crawler.URL) bool { return scope.Refuses(u, 0) != "" })
	if status.Job.Recrawl.On() {
		if err := c.changed(ctx, status.Job, urls); err != nil {
			return err
		}
	}
	inScope := func(yield func(string, error) bool) {
		for _, u := range urls {
			if !yield(u.String(), nil) {
				return
			}
		}
	}
	_, err = bring(ctx, c.store, job, seedfile.Prioritized(inScope, ""), true, func(crawler.Seeding) {})
	return err
}

// changed says of pages of a continuous job that they may have changed, as far as their site was right
// before.
func (c *Client) changed(ctx context.Context, job crawler.Job, urls []crawler.URL) error {
	f := c.store.Frontier(job)
	byHost := make(map[crawler.Host][]crawler.URL)
	for _, u := range urls {
		byHost[u.Host()] = append(byHost[u.Host()], u)
	}
	for host, urls := range byHost {
		trust, err := f.Trust(ctx, host)
		if err != nil {
			return err
		}
		if _, err := f.Changed(ctx, urls, trust); err != nil {
			return err
		}
	}
	return nil
}

// scopeOf returns the scope of a job, with the hosts of all of its seeds.
func (c *Client) scopeOf(ctx context.Context, status crawler.Status) (*rules.Scope, error) {
	homes, err := c.Homes(ctx, status.Job.Name)
	if err != nil {
		return nil, err
	}
	scope, err := rules.NewScope(status.Job.ScopeSettings, homes)
	if err != nil {
		return nil, err
	}
	for _, home := range homes {
		scope.OpenPorts([]string{home.Port()})
	}
	return scope, nil
}

// FleetID returns the random ID of the fleet's data, which is in Redis alone.
func (c *Client) FleetID(ctx context.Context) (string, error) { return c.store.FleetID(ctx) }
