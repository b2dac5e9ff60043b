package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
)

// Kept lists where workers keep the pages of a job. How many pages that are is known only
// of jobs that [Client.CreateFrom], trawl crawl or package trawl began.
func (c *Client) Kept(ctx context.Context, job string) ([]crawler.Kept, error) {
	return c.store.Places(ctx, job)
}
