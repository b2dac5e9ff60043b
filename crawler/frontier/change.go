package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/trawlcrawler/trawl/crawler"
)

// Change replaces the settings of a job that exists. Its shards, and
// what is the same page, stay as they are, because the frontier lies in them. For the
// same reason the depth up to which links are followed cannot change.
func (s *Store) Change(ctx context.Context, job crawler.Job) error {
	if err := job.Validate(); err != nil {
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
	job.Shards, job.Same = now.Job.Shards, now.Job.Same
	_, err = s.Replace(ctx, now, Replacement{Job: job})
	return err
}

// Replacement is what Replace puts into the place of a job's settings.
type Replacement struct {
	Job crawler.Job // valid, with the shards that it had
	// Changes is what is shown of it. Nil leaves that as it is.
	Changes []crawler.Change
	// Raised are the budgets that are now larger than what is spent. A job that ended because of
	// one of them is reopened.
	Raised []string
}

// Replace replaces the settings of a job as they were when was was read, and reports whether that
// reopened it. The error is [crawler.ErrJobChanged] if they were changed since, and
// [crawler.ErrNoJob] if there is no such job.
func (s *Store) Replace(ctx context.Context, was crawler.Status, r Replacement) (reopened bool, err error) {
	name := r.Job.Name
	args, err := s.replacing(ctx, was, r)
	if err != nil {
		return false, err
	}
	base := jobBase(name)
	got, err := runKeys(ctx, s.rdb, changeScript, "change", []string{base + nameJob, base + nameLedger}, args...).Int64Slice()
	switch {
	case err != nil:
		return false, err
	case len(got) != 2:
		return false, fmt.Errorf("frontier: change job %s: unexpected answer %v", name, got)
	case got[0] == -1:
		return false, fmt.Errorf("job %q: %w", name, crawler.ErrNoJob)
	case got[0] == -2:
		return false, fmt.Errorf("job %q: %w", name, crawler.ErrJobChanged)
	}
	_, err = s.Status(ctx, name) // so that this process knows the new budgets
	return got[1] == 1, err
}

// replacing makes the arguments of the script. A job that gets a budget of pages counts those
// that it has fetched already.
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
		numbers, err := s.Counters(ctx, r.Job.Name)
		if err != nil {
			return nil, err
		}
		fetched = strconv.FormatInt(numbers.Pages(), 10)
	}
	args := []any{was.Revision, settings, changes, fetched, flag(was.Job.Schedule != r.Job.Schedule)}
	for _, budget := range r.Raised {
		args = append(args, budget)
	}
	return args, nil
}
