package scheduler

import (
	"context"
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
)

// repeat begins a run of a periodic job when its last tick was not seen to. A run
// is a job of its own, named after the job and the tick, so that however many
// schedulers try, one creates it. A tick that comes while the run before has not
// ended begins none, as with concurrencyPolicy Forbid of a Kubernetes CronJob: a
// crawl that takes longer than its period would get in its own way at every host.
// Of ticks that passed while no scheduler ran, the last begins a run. While the
// job is paused, ticks pass.
//
// The run is created before the tick is noted: a scheduler that dies in between
// leaves a tick to which the next one sees, and finds its run created.
func (b *Bureau) repeat(ctx context.Context, job crawler.Status) error {
	schedule, err := crawler.ParseSchedule(job.Job.Schedule)
	if err != nil {
		return err
	}
	tick := schedule.Last(job.TicksFrom(), job.Now)
	if !tick.After(job.Tick) {
		return nil
	}
	run := job.Job
	run.Name, run.Schedule = crawler.RunName(job.Job.Name, tick), ""
	idle, err := b.ended(ctx, job.Run)
	if err != nil {
		return err
	}
	switch {
	case job.State == crawler.StatePaused:
		run.Name = job.Run
	case !idle:
		b.cfg.Log.Warn("no run begins at this tick: the one before has not ended", "job", job.Job.Name, "run", job.Run)
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

// beginRun creates a run, unless another scheduler has. It reports false when a job that is
// not a run of the periodic job has its name.
func (b *Bureau) beginRun(ctx context.Context, run crawler.Job, of string) (bool, error) {
	err := b.store.CreateRun(ctx, run, of)
	if err == nil {
		b.cfg.Log.Info("a run begins", "job", of, "run", run.Name)
		return true, nil
	}
	if !errors.Is(err, crawler.ErrJobExists) {
		return false, err
	}
	there, err := b.store.Status(ctx, run.Name)
	if errors.Is(err, crawler.ErrNoJob) { // it was removed in between
		return true, nil
	}
	if err == nil && there.RunOf != of {
		b.cfg.Log.Error("no run begins at this tick: another job has its name", "job", of, "run", run.Name)
	}
	return there.RunOf == of, err
}

// ended reports whether a run has ended; one that was removed has.
func (b *Bureau) ended(ctx context.Context, run string) (bool, error) {
	if run == "" {
		return true, nil
	}
	status, err := b.store.Status(ctx, run)
	if errors.Is(err, crawler.ErrNoJob) {
		return true, nil
	}
	return status.State.Ended(), err
}
