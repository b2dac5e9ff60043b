package tasks

import (
	"context"
	"errors"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/setting"
)

// maxChanges is the number of changes of a job that are shown.
const maxChanges = 50

// Set changes settings of a job, even while it runs. Workers and schedulers apply them
// within two seconds, even in open visits. Runs of a periodic job that start later have
// them. If a job is done because of a budget, and the budget is raised beyond what is
// spent, the job continues.
//
// Either all changes are made or none. With a revision other than [setting.AnyRevision], the
// settings must be at that revision ([crawler.Status]). With AnyRevision, changes that
// others make meanwhile are kept, unless they change the same settings. In both cases of
// conflict, the error wraps [queue.ErrJobChanged]. It is a [crawler.SettingError] for a
// setting that cannot be changed or a value that is invalid, and wraps [queue.ErrNoJob],
// or [queue.ErrJobEnded] for a job that was cancelled.
func (c *Client) Set(ctx context.Context, job string, revision int64,
	changes setting.Changes) (setting.Adjustment, error) {
	first, err := c.store.Status(ctx, job)
	if err != nil {
		return setting.Adjustment{}, err
	}
	if revision != setting.AnyRevision && revision != first.Revision {
		return setting.Adjustment{}, fmt.Errorf("job %q is at revision %d, not %d: %w", job, first.Revision, revision,
			queue.ErrJobChanged)
	}
	for now := first; ; {
		done, err := c.set(ctx, now, changes)
		if revision != setting.AnyRevision || !errors.Is(err, queue.ErrJobChanged) {
			return done, err
		}
		if now, err = c.store.Status(ctx, job); err != nil {
			return setting.Adjustment{}, err
		}
		for _, change := range setting.Differences(first.Job, now.Job, now.Now, now.Revision) {
			if _, ours := changes[change.Setting]; ours {
				return setting.Adjustment{}, fmt.Errorf("job %q: %w: %v: check it, and set it again", job,
					queue.ErrJobChanged, change)
			}
		}
	}
}

// set changes settings of a job, given its status.
func (c *Client) set(ctx context.Context, was crawler.Status, changes setting.Changes) (setting.Adjustment, error) {
	if was.State == crawler.StateCancelled {
		return setting.Adjustment{}, ended(was)
	}
	job, notes, err := setting.Change(was.Job, changes)
	if err != nil {
		return setting.Adjustment{}, err
	}
	done := setting.Adjustment{Changed: setting.Differences(was.Job, job, was.Now.UTC(), was.Revision+1), Notes: notes}
	if len(done.Changed) == 0 {
		return setting.Adjustment{}, nil
	}
	raised, note, err := c.raised(ctx, was, job.BudgetSettings)
	if err != nil {
		return setting.Adjustment{}, err
	}
	if note != "" {
		done.Notes = append(done.Notes, note)
	}
	shown := append(bounded(was.Changes, maxChanges-len(done.Changed)), done.Changed...)
	done.Reopened, err = c.store.Replace(ctx, was, frontier.Replacement{Job: job, Changes: shown, Raised: raised})
	return done, err
}

// bounded returns the last n changes, in a new slice.
func bounded(changes []crawler.Change, n int) []crawler.Change {
	kept := changes[max(0, len(changes)-max(0, n)):]
	return append(make([]crawler.Change, 0, len(kept)+1), kept...)
}

// raised lists the budgets of a job that a change raises beyond what is spent. If the job
// ended because of a budget and does not continue, the note says why.
func (c *Client) raised(ctx context.Context, was crawler.Status,
	now crawler.BudgetSettings) (raised []string, note string, err error) {
	counters, err := c.store.Counters(ctx, was.Job.Name)
	if err != nil {
		return nil, "", err
	}
	for _, budget := range []struct {
		name            string
		then, now, used int64
	}{
		{"pages", was.Job.Pages, now.Pages, counters.Pages()},
		{"bytes", int64(was.Job.Bytes), int64(now.Bytes), counters.Bytes},
		{"items", was.Job.Items, now.Items, counters.Items},
		{"time", int64(was.Job.Time), int64(now.Time), int64(was.Ran)},
	} {
		switch {
		case budget.now == budget.then:
		case budget.now == 0 || budget.now > budget.used:
			raised = append(raised, budget.name)
		case was.Reason == "budget of "+budget.name:
			note = fmt.Sprintf("the job stays done: its budget of %s is still spent", budget.name)
		}
	}
	return raised, note, nil
}
