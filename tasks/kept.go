package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
)

// Kept lists where workers keep the pages of a job that [Client.CreateFrom], trawl crawl
// or package trawl began; of other jobs, nothing.
func (c *Client) Kept(ctx context.Context, job string) ([]crawler.Kept, error) {
	return c.store.Places(ctx, job)
}
