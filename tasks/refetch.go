package tasks

import (
	"context"
	"fmt"
	"regexp"

	"github.com/trawlcrawler/trawl/crawler"
)

// inWriterName is what a worker's name has in the names of its segments in place of
// other letters.
var inWriterName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// segmentName is the name of a segment: its worker, when it began, and a random part.
var segmentName = regexp.MustCompile(`^(.*)-\d{8}T\d{6}-[0-9a-f]{6}$`)

// Refetch puts the URLs back into the queues of a running job whose worker was lost
// before it had shipped their records, and returns how many these are: those of workers
// that have not been heard of in time, and those of the worker lost, "" for none, at
// once. Call it with a worker only when that one does not come back.
func (c *Client) Refetch(ctx context.Context, job, lost string) (urls int64, err error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return 0, err
	}
	if status.State.Ended() {
		return 0, fmt.Errorf("job %q is %s: %w", job, status.State, crawler.ErrJobEnded)
	}
	frontier := c.store.Frontier(status.Job)
	var segments []string
	if lost != "" {
		all, err := frontier.Segments(ctx)
		if err != nil {
			return 0, err
		}
		for _, s := range all {
			if whose := segmentName.FindStringSubmatch(s.Name); whose != nil && whose[1] == inWriterName.ReplaceAllString(lost, "_") {
				segments = append(segments, s.Name)
			}
		}
	}
	if len(segments) == 0 {
		return frontier.Reclaim(ctx)
	}
	return frontier.Forfeit(ctx, segments)
}
