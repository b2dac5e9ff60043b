package tasks

import (
	"context"
	"errors"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// AnyRevision lets [Client.Set] change settings whatever their revision.
const AnyRevision = -1

// Set changes settings of a job, also while it runs: workers and schedulers go by them within two
// seconds, visits that are under way included. The runs of a periodic job that begin later have
// them. A job that is done because of a budget which is raised beyond what is spent goes on.
//
// All of the changes are made, or none. With a revision other than [AnyRevision], the settings must be of that
// revision ([crawler.Status]). With AnyRevision, what others change meanwhile is kept, unless it is one of the same
// settings. Otherwise the error wraps [crawler.ErrJobChanged]; it is a [crawler.SettingError] for a setting
// that cannot be changed or a value that cannot be used, and wraps [crawler.ErrNoJob], or
// [crawler.ErrJobEnded] for a job that is cancelled.
func (c *Client) Set(ctx context.Context, job string, revision int64, changes crawler.Changes) (crawler.Adjustment, error) {
	first, err := c.store.Status(ctx, job)
	if err != nil {
		return crawler.Adjustment{}, err
	}
	if revision != AnyRevision && revision != first.Revision {
		return crawler.Adjustment{}, fmt.Errorf("job %q is at revision %d, not %d: %w", job, first.Revision, revision, crawler.ErrJobChanged)
	}
	for now := first; ; {
		done, err := c.set(ctx, now, changes)
		if revision != AnyRevision || !errors.Is(err, crawler.ErrJobChanged) {
			return done, err
		}
		if now, err = c.store.Status(ctx, job); err != nil {
			return crawler.Adjustment{}, err
		}
		for _, change := range now.Job.Changed(first.Job, now.Now, now.Revision) {
			if _, ours := changes[change.Setting]; ours {
				return crawler.Adjustment{}, fmt.Errorf("job %q: %w: %v: look at it, and set it again", job, crawler.ErrJobChanged, change)
			}
		}
	}
}

// set changes settings of a job as it was read.
func (c *Client) set(ctx context.Context, was crawler.Status, changes crawler.Changes) (crawler.Adjustment, error) {
	if was.State == crawler.StateCancelled {
		return crawler.Adjustment{}, ended(was)
	}
	job, notes, err := was.Job.With(changes)
	if err != nil {
		return crawler.Adjustment{}, err
	}
	done := crawler.Adjustment{Changed: job.Changed(was.Job, was.Now.UTC(), was.Revision+1), Notes: notes}
	if len(done.Changed) == 0 {
		return crawler.Adjustment{}, nil
	}
	raised, note, err := c.raised(ctx, was, job)
	if err != nil {
		return crawler.Adjustment{}, err
	}
	if note != "" {
		done.Notes = append(done.Notes, note)
	}
	shown := append(bounded(was.Changes, crawler.MostChanges-len(done.Changed)), done.Changed...)
	done.Reopened, err = c.store.Replace(ctx, was, frontier.Replacement{Job: job, Changes: shown, Raised: raised})
	return done, err
}

// bounded are the last n changes, in a slice of their own.
func bounded(changes []crawler.Change, n int) []crawler.Change {
	kept := changes[max(0, len(changes)-max(0, n)):]
	return append(make([]crawler.Change, 0, len(kept)+1), kept...)
}

// raised lists the budgets of a job that a change raises beyond what is spent. The note says of a job that
// ended because of a budget why it does not go on.
func (c *Client) raised(ctx context.Context, was crawler.Status, job crawler.Job) (raised []string, note string, err error) {
	numbers, err := c.store.Counters(ctx, job.Name)
	if err != nil {
		return nil, "", err
	}
	for _, budget := range []struct {
		name            string
		then, now, used int64
	}{
		{"pages", was.Job.Pages, job.Pages, numbers.Pages()},
		{"bytes", int64(was.Job.Bytes), int64(job.Bytes), numbers.Bytes},
		{"time", int64(was.Job.Time), int64(job.Time), int64(was.Ran)},
	} {
		switch {
		case budget.now == budget.then:
		case budget.now == 0 || budget.now > budget.used:
			raised = append(raised, budget.name)
		case was.Reason == "budget of "+budget.name:
			note = fmt.Sprintf("the job stays done: its budget of %s is spent all the same", budget.name)
		}
	}
	return raised, note, nil
}
