package tasks

import (
	"context"
	"regexp"

	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// inWriterName is what a worker's name has in the names of its segments in place of
// other letters.
var inWriterName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// segmentName is the name of a segment: its worker, when it began, and a random part.
var segmentName = regexp.MustCompile(`^(.*)-\d{8}T\d{6}-[0-9a-f]{6}$`)

// Refetch puts the URLs of a job back into its queues whose worker was lost before it
// had shipped their records, and returns how many these are: those of workers that have
// not been heard of in time, and those of the worker lost, "" for none, at once. Call it
// with a worker only when that one does not come back. Of a job that is durable on disk,
// and so of all that have ended, URLs are not put back but counted as lost:
// [Client.Compare] finds these.
func (c *Client) Refetch(ctx context.Context, job, lost string) (urls int64, err error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return 0, err
	}
	f := c.store.Frontier(status.Job)
	var segments []string
	if lost != "" {
		if segments, err = segmentsOf(ctx, f, lost); err != nil {
			return 0, err
		}
	}
	if len(segments) == 0 {
		return f.Reclaim(ctx)
	}
	return f.Forfeit(ctx, segments)
}

// segmentsOf lists the segments of a worker that are not shipped.
func segmentsOf(ctx context.Context, f *frontier.Frontier, worker string) (names []string, err error) {
	all, err := f.Segments(ctx)
	for _, s := range all {
		if whose := segmentName.FindStringSubmatch(s.Name); whose != nil && whose[1] == inWriterName.ReplaceAllString(worker, "_") {
			names = append(names, s.Name)
		}
	}
	return names, err
}
