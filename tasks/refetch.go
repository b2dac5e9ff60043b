package tasks

import (
	"context"
	"regexp"

	"github.com/trawlcrawler/trawl/internal/frontier"
)

// inWriterName matches the characters of a worker's name that are replaced in the names of
// its segments.
var inWriterName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// segmentName matches the name of a segment: its worker, when it started, and a random
// part.
var segmentName = regexp.MustCompile(`^(.*)-\d{8}T\d{6}-[0-9a-f]{6}$`)

// Refetch requeues the URLs of a job whose worker was lost before it had shipped their
// records, and returns their number: those of workers that were silent for too long, and at
// once those of the worker lost, unless it is "". Name a worker only if it will not come
// back. For a job that is durable on disk, and so for all jobs that have ended, URLs are
// not requeued but counted as lost: [Client.Compare] finds these.
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

// segmentsOf lists the segments of a worker that have not been shipped.
func segmentsOf(ctx context.Context, f *frontier.Frontier, worker string) (names []string, err error) {
	all, err := f.Segments(ctx)
	for _, s := range all {
		if whose := segmentName.FindStringSubmatch(s.Name); whose != nil &&
			whose[1] == inWriterName.ReplaceAllString(worker, "_") {
			names = append(names, s.Name)
		}
	}
	return names, err
}
