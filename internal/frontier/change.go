package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Change replaces the settings of an existing job. The number of shards and the rules for
// which URLs are the same page stay as they are, because the keys in Redis depend on them.
// For the same reason the depth up to which links are followed cannot change.
func (s *Store) Change(ctx context.Context, job crawler.Job) error {
	if err := rules.Validate(job); err != nil {
		return err
	}
	now, err := s.Status(ctx, job.Name)
	if err != nil {
		return err
	}
	if was := now.Job.DepthLimit(); job.DepthLimit() != was {
		return fmt.Errorf("job %q: depth: links are followed up to a depth of %d, which cannot change to %d (-1: no limit): create another job",
			job.Name, was, job.DepthLimit())
	}
	if job.Recrawl.On() && !now.Job.Recrawl.On() {
		return fmt.Errorf("job %q: recrawl: %q cannot make it continuous, because it does not know when its pages were fetched: create another job",
			job.Name, job.Recrawl.Budget)
	}
	job.Shards, job.Same = now.Job.Shards, now.Job.Same
	_, err = s.Replace(ctx, now, Replacement{Job: job})
	return err
}

// Replacement is the new state of a job's settings, for Replace.
type Replacement struct {
	Job crawler.Job // valid, with its old number of shards
	// Changes is the job's visible history of changes. Nil leaves it as it is.
	Changes []crawler.Change
	// Raised are the budgets that now exceed what is spent. A job that ended because of one
	// of them is reopened.
	Raised []string
}

// Replace replaces the settings of a job, if they are still as they were when was was read.
// It reports whether that reopened the job. The error is [queue.ErrJobChanged] if the
// settings have changed since, and [queue.ErrNoJob] if there is no such job.
func (s *Store) Replace(ctx context.Context, was crawler.Status, r Replacement) (reopened bool, err error) {
	name := r.Job.Name
	args, err := s.replacing(ctx, was, r)
	if err != nil {
		return false, err
	}
	base := jobBase(name)
	got, err := runKeys(ctx, s.rdb, changeScript(), "change", []string{base + nameJob, base + nameLedger,
		base + nameEvents}, args...).Int64Slice()
	switch {
	case err != nil:
		return false, err
	case len(got) != 2:
		return false, fmt.Errorf("frontier: change job %s: unexpected answer %v", name, got)
	case got[0] == -1:
		return false, fmt.Errorf("job %q: %w", name, queue.ErrNoJob)
	case got[0] == -2:
		return false, fmt.Errorf("job %q: %w", name, queue.ErrJobChanged)
	}
	s.Tell(ctx, name)
	_, err = s.Status(ctx, name) // to refresh the budgets in this process
	return got[1] == 1, err
}

// replacing returns the arguments of the script. If the job gets a budget of pages, the
// pages fetched so far count towards it.
func (s *Store) replacing(ctx context.Context, was crawler.Status, r Replacement) ([]any, error) {
	settings, err := json.Marshal(r.Job)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", r.Job.Name, err)
	}
	changes, fetched := "", ""
	if r.Changes != nil {
		text, err := json.Marshal(r.Changes)
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", r.Job.Name, err)
		}
		changes = string(text)
	}
	if was.Job.Pages == 0 && r.Job.Pages > 0 {
		counters, err := s.Counters(ctx, r.Job.Name)
		if err != nil {
			return nil, err
		}
		fetched = strconv.FormatInt(counters.Pages(), 10)
	}
	args := []any{was.Revision, settings, changes, fetched, flag(was.Job.Schedule != r.Job.Schedule)}
	for _, budget := range r.Raised {
		args = append(args, budget)
	}
	return args, nil
}
