package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/trawlcrawler/trawl/crawler"
)

// tickName is how the moment of a run ends the run's name.
const tickName = "20060102t150405"

// repeat begins a run of a periodic job when its last tick has none yet. A run is
// a job of its own, named after the job and the tick, so that however many
// schedulers try, one creates it. Ticks that passed while no scheduler ran are
// made up for by one run.
func (b *Bureau) repeat(ctx context.Context, job crawler.Status) error {
	at, err := lastTick(job.Job.Schedule, job.Created, job.Now)
	if err != nil || at.IsZero() {
		return err
	}
	run := job.Job
	run.Name = job.Job.Name + "-" + at.UTC().Format(tickName)
	run.Schedule = ""
	err = b.store.Create(ctx, run)
	if errors.Is(err, crawler.ErrJobExists) {
		return nil
	}
	if err == nil {
		b.cfg.Log.Info("a run begins", "job", job.Job.Name, "run", run.Name)
	}
	return err
}

// lastTick returns the last moment of a schedule after since and not after now;
// zero when there was none.
func lastTick(schedule string, since, now time.Time) (time.Time, error) {
	plan, err := cron.ParseStandard(schedule)
	if err != nil {
		return time.Time{}, fmt.Errorf("schedule %q: %w", schedule, err)
	}
	if every, ok := plan.(cron.ConstantDelaySchedule); ok { // counts from since
		ticks := now.Sub(since) / every.Delay
		if ticks == 0 {
			return time.Time{}, nil
		}
		return since.Add(ticks * every.Delay), nil
	}
	for span := time.Hour; ; span *= 24 {
		from := now.Add(-span)
		if from.Before(since) {
			from = since
		}
		var last time.Time
		for at := plan.Next(from.UTC()); !at.IsZero() && !at.After(now); at = plan.Next(at) {
			last = at
		}
		if !last.IsZero() || from.Equal(since) {
			return last, nil
		}
	}
}
