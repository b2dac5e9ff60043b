package scheduler

import (
	"context"
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// repeat starts a run of a periodic job if its last tick was not yet handled. A run is a
// job of its own, named after the job and the tick, so that only one scheduler creates it,
// however many try. A tick is skipped while the previous run is still going, as with
// concurrencyPolicy Forbid of a Kubernetes CronJob: a crawl that takes longer than its
// period would compete with itself at every host. Of the ticks while no scheduler was
// running, only the last starts a run. While the job is paused, ticks are skipped.
//
// The run is created before the tick is recorded. If a scheduler dies in between, the next
// one handles the tick again, and finds the run already created.
func (b *Runner) repeat(ctx context.Context, job crawler.Status) error {
	schedule, err := periodic.Parse(job.Job.Schedule)
	if err != nil {
		return err
	}
	tick := schedule.Last(periodic.TicksFrom(job), job.Now)
	if !tick.After(job.Tick) {
		return nil
	}
	run := job.Job
	run.Name, run.Schedule = periodic.RunName(job.Job.Name, tick), ""
	idle, err := b.ended(ctx, job.Run)
	if err != nil {
		return err
	}
	switch {
	case job.State == crawler.StatePaused:
		run.Name = job.Run
	case !idle:
		b.cfg.Log.Warn("no run starts at this tick: the previous run has not ended", "job", job.Job.Name,
			"run", job.Run)
		run.Name = job.Run
	default:
		begun, err := b.beginRun(ctx, run, job.Job.Name)
		if err != nil {
			return err
		}
		if !begun {
			run.Name = job.Run
		}
	}
	return b.store.Ticked(ctx, job.Job.Name, tick, run.Name)
}

// beginRun creates a run, unless another scheduler already has. It returns false if another
// job, which is not a run of the periodic job, has the run's name.
func (b *Runner) beginRun(ctx context.Context, run crawler.Job, of string) (bool, error) {
	err := b.store.CreateRun(ctx, run, of)
	if err == nil {
		b.cfg.Log.Info("a run starts", "job", of, "run", run.Name)
		return true, nil
	}
	if !errors.Is(err, queue.ErrJobExists) {
		return false, err
	}
	there, err := b.store.Status(ctx, run.Name)
	if errors.Is(err, queue.ErrNoJob) { // it was removed in the meantime
		return true, nil
	}
	if err == nil && there.RunOf != of {
		b.cfg.Log.Error("no run starts at this tick: another job has its name", "job", of, "run", run.Name)
	}
	return there.RunOf == of, err
}

// ended reports whether a run has ended or was removed.
func (b *Runner) ended(ctx context.Context, run string) (bool, error) {
	if run == "" {
		return true, nil
	}
	status, err := b.store.Status(ctx, run)
	if errors.Is(err, queue.ErrNoJob) {
		return true, nil
	}
	return status.State.Ended(), err
}
