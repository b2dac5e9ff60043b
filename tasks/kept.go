package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// Kept lists where workers keep the pages of a job. The number of pages is known only for
// jobs that [Client.CreateFrom], trawl crawl or package trawl started.
func (c *Client) Kept(ctx context.Context, job string) ([]queue.Kept, error) {
	return c.store.Places(ctx, job)
}
