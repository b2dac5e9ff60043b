package tasks

import (
	"context"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// incomparable returns an error that says why a job cannot be compared; nil if it can.
func incomparable(status crawler.Status) error {
	name := status.Job.Name
	wrap := func(format string, args ...any) error {
		return fmt.Errorf("job %q: %w: %s", name, queue.ErrNotComparable, fmt.Sprintf(format, args...))
	}
	switch {
	case status.State == crawler.StateCancelled || status.Cleared:
		return ended(status)
	case status.Job.Schedule != "":
		return wrap("it is periodic: name one of its runs (trawl job ls)")
	case !status.State.Ended():
		return wrap("it is %s: wait until it has ended (trawl job watch %s)", status.State, name)
	case status.Held:
		return wrap("another process is comparing it or adding seeds: try again in half a minute")
	case status.Job.Time > 0 && status.Ran >= status.Job.Time:
		return wrap("its time budget is spent, so nothing could be fetched: raise it (trawl job set %s time=…) and try again when the job has ended", name)
	}
	return nil
}

// arriving returns an error that says whose records are still on their way.
func (r *Comparing) arriving(ctx context.Context, urls int64) error {
	segments, err := r.frontier.Segments(ctx)
	if err != nil {
		return err
	}
	worker := ""
	for _, s := range segments {
		if whose := segmentName.FindStringSubmatch(s.Name); whose != nil {
			worker = whose[1]
		}
	}
	return fmt.Errorf("job %q: %w: %s on the disk of worker %q, on the way to the bucket: wait for them, or name the worker with --lost if it will not come back",
		r.status.Job.Name, queue.ErrNotComparable, plain.Plural(urls, "record is", "records are"), worker)
}
