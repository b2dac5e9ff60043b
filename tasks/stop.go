package tasks

import (
	"context"
	"fmt"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// Stop ends a job early, as a spent budget does: its visits end, and then it is done. reason
// becomes part of the job's. It does nothing if the job is ending already. The error wraps
// [queue.ErrNoJob] or [queue.ErrJobEnded].
func (c *Client) Stop(ctx context.Context, job, reason string) error {
	for range moveTries {
		status, err := c.store.Status(ctx, job)
		switch {
		case err != nil:
			return err
		case status.State.Ended():
			return ended(status)
		case status.Ending != "":
			return nil
		}
		// It does nothing if the settings have changed meanwhile.
		if err := c.store.End(ctx, job, status.Revision, queue.StopPrefix+reason); err != nil {
			return err
		}
	}
	return fmt.Errorf("job %q: %w: its settings change all the time: try again", job, queue.ErrJobChanged)
}
