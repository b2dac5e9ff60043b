package tasks

import (
	"context"

	"github.com/trawlcrawler/trawl/internal/event"
)

// Deliveries lists what was delivered to the webhooks of a job, in the order of its settings.
func (c *Client) Deliveries(ctx context.Context, job string) ([]event.Deliveries, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	return c.store.Deliveries(ctx, status)
}

// Events lists what happened to a job, oldest first: what was not passed on to its webhooks yet, and
// the last hundred of the other events.
func (c *Client) Events(ctx context.Context, job string) ([]event.Event, error) {
	return c.store.Events(ctx, job)
}

// FlushEvents passes on the events of a job and waits until each event that waits in the fleet
// was tried once, or ctx ends. It returns the number of those that were not delivered. It is for
// the end of a process that is a whole fleet.
func (c *Client) FlushEvents(ctx context.Context, job string) (left int, err error) {
	if err := c.passOn(ctx, job); err != nil {
		return 0, err
	}
	return c.queues.TryEvents(ctx)
}

// passOn passes on the events of a job, unless a scheduler has.
func (c *Client) passOn(ctx context.Context, job string) error {
	status, err := c.store.Status(ctx, job)
	if err != nil || status.Events <= status.Told {
		return err
	}
	return c.queues.PassOn(ctx, c.store, status)
}
