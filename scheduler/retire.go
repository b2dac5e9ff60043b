package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// retireAfter is how long after its end a run is removed, at the earliest: by
// then, all processes of the fleet know that it has ended.
const retireAfter = 20 * time.Second

// retire removes the oldest runs of periodic jobs that have more of them than they
// keep: what Redis has of them, not what they wrote. A run that goes on counts,
// and stays. It may be done twice, and by several at once.
func (b *Bureau) retire(ctx context.Context, all []crawler.Status) error {
	var errs []error
	for _, job := range all {
		if job.Job.Schedule == "" || job.Job.Runs == 0 {
			continue
		}
		runs := crawler.RunsOf(job.Job.Name, all)
		for _, run := range runs[:max(0, len(runs)-job.Job.Runs)] {
			if run.State.Ended() && run.Now.Sub(run.Ended) >= retireAfter {
				errs = append(errs, b.remove(ctx, run.Job.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// remove removes a run that has ended, unless another bureau was faster.
func (b *Bureau) remove(ctx context.Context, run string) error {
	if _, err := b.queues.Forget(run); err != nil {
		return err
	}
	err := b.store.Remove(ctx, run)
	if errors.Is(err, crawler.ErrNoJob) {
		return nil
	}
	if err == nil {
		b.cfg.Log.Info("an old run is removed, and what it wrote stays", "run", run)
	}
	return err
}
