package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// retireAfter is the earliest time after its end at which a run is removed. By then, all
// processes of the fleet have seen that it ended.
const retireAfter = 20 * time.Second

// retire removes the oldest runs of periodic jobs that have more than they keep. It removes
// them from Redis; their output stays. A run that has not ended counts, but stays. It may
// be repeated, and run by several processes at once.
func (b *Runner) retire(ctx context.Context, all []crawler.Status) error {
	var errs []error
	for _, job := range all {
		if job.Job.Schedule == "" || job.Job.Runs == 0 {
			continue
		}
		runs := periodic.RunsOf(job.Job.Name, all)
		for _, run := range runs[:max(0, len(runs)-job.Job.Runs)] {
			if run.State.Ended() && run.Now.Sub(run.Ended) >= retireAfter {
				errs = append(errs, b.remove(ctx, run.Job.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// remove removes a run that has ended, unless another runner already has.
func (b *Runner) remove(ctx context.Context, run string) error {
	if _, err := b.queues.Forget(run); err != nil {
		return err
	}
	err := b.store.Remove(ctx, run)
	if errors.Is(err, queue.ErrNoJob) {
		return nil
	}
	if err == nil {
		b.cfg.Log.Info("removed an old run; its output stays", "run", run)
	}
	return err
}
