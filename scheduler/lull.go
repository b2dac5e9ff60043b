package scheduler

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// lull says when nothing happens in the fleet, as far as the process knows. It is safe for concurrent
// use.
type lull interface {
	// On reports whether nothing happens.
	On() bool
	// Stir records that something happens.
	Stir()
	// Pause returns a channel for a usual pause, or during a lull for a long one. ended is closed when
	// the lull ends.
	Pause(usual, long time.Duration) (over <-chan time.Time, ended <-chan struct{})
}

// noLull never says that nothing happens.
type noLull struct{}

func (noLull) On() bool { return false }
func (noLull) Stir()    {}
func (noLull) Pause(usual, _ time.Duration) (<-chan time.Time, <-chan struct{}) {
	return time.After(usual), nil
}

// During a lull, a runner lists the jobs every roundLong, unless a signal ends the lull. Only that a
// queue is paused in asynq's web UI makes no signal, so it looks for that.
const (
	roundLong   = 5 * time.Minute
	pausesEvery = 2 * time.Second
)

// paused is what a runner found out about the queues of its jobs when it last listed them.
type paused struct {
	listed time.Time
	jobs   []string // those with a scheduler
	queues int      // how many of their queues are paused
}

// noteListed remembers which jobs have a scheduler. It stirs the lull if something is to be done for one.
func (b *Runner) noteListed(all []crawler.Status) {
	b.paused.listed, b.paused.jobs = time.Now(), nil
	for _, job := range all {
		if !queue.Restful(job) || b.jobRuns[job.Job.Name] != nil && job.State.Ended() {
			b.cfg.Lull.Stir()
		}
		if b.jobRuns[job.Job.Name] != nil {
			b.paused.jobs = append(b.paused.jobs, job.Job.Name)
		}
	}
}

// undisturbed reports whether the jobs need not be listed now.
func (b *Runner) undisturbed(ctx context.Context) bool {
	if !b.cfg.Lull.On() || time.Since(b.paused.listed) >= roundLong {
		return false
	}
	if len(b.paused.jobs) == 0 {
		return true
	}
	queues, err := b.queues.Pauses(ctx, b.paused.jobs)
	return err == nil && queues == b.paused.queues
}
