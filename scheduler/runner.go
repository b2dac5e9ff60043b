package scheduler

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// runnerStore is what a runner needs from the store of jobs.
type runnerStore interface {
	jobStore
	// Statuses lists all jobs.
	Statuses(ctx context.Context) ([]crawler.Status, error)
	// CreateRun stores a run of a periodic job. It returns queue.ErrJobExists if it
	// exists.
	CreateRun(ctx context.Context, run crawler.Job, of string) error
	// Seeded records that all seeds of the job are admitted.
	Seeded(ctx context.Context, job string, all bool) error
	// Clear removes everything of a job that has ended, and of its queue, except its
	// record.
	Clear(ctx context.Context, job string) error
	// Remove removes everything of a job, and of its queue. The error is queue.ErrNoJob
	// if the job does not exist.
	Remove(ctx context.Context, job string) error
	// ShowPause records that the job's queue is about to be paused or unpaused.
	ShowPause(ctx context.Context, job string) error
	// SetPaused records whether the job's queue is paused.
	SetPaused(ctx context.Context, job string, paused bool) error
	// Ticked records that a tick of a periodic job was handled, unless a later one already
	// was, and the job's last run.
	Ticked(ctx context.Context, job string, tick time.Time, lastRun string) error
}

// taskQueues is what a runner needs from asynq in addition.
type taskQueues interface {
	visitQueue
	// Workers returns the workers that serve the job, as of the last call of Capacity. It
	// does not wait.
	Workers(job string) []string
	// Paused reports whether the job's queue is paused, and whether it exists.
	Paused(job string) (paused, known bool, err error)
	// Pauses returns how many of the jobs' queues are paused.
	Pauses(ctx context.Context, jobs []string) (int, error)
	SetPaused(job string, paused bool) error
	// Forget deletes the job's queue with all tasks except active ones. It reports whether
	// there were none.
	Forget(job string) (gone bool, err error)
}

// seededFrontier is a frontier to which the runner adds a job's own seeds.
type seededFrontier interface {
	jobFrontier
	Admit(ctx context.Context, entries []queue.Entry) (fresh int, err error)
}

// Runner runs all jobs of a fleet, with a scheduler for each. Any number of runners may run
// at the same time, in any number of processes.
type Runner struct {
	store  runnerStore
	queues taskQueues
	open   func(crawler.Job) seededFrontier
	cfg    Config

	shares     *shares
	complained map[string]time.Time // by job: when an error about it was last logged
	jobRuns    map[string]*jobRun   // by job
	known      map[string]bool      // jobs seen so far that were not removed
	served     map[string]bool      // jobs whose scheduler has ended: it may have enqueued a visit into a deleted queue
	wg         sync.WaitGroup

	looks chan struct{} // wakes Run

	paused paused

	mu      sync.Mutex
	running map[string]*jobScheduler // by job, for Nudge
}

// jobRun is a running scheduler of one job.
type jobRun struct {
	created time.Time // when the job was created; distinguishes jobs of the same name
	stop    context.CancelFunc
	done    chan struct{}
}

// NewRunner returns a runner of the jobs of a store, whose visits go to queues. open returns the
// frontier of a job.
func NewRunner[F seededFrontier](store runnerStore, queues taskQueues, open func(crawler.Job) F, cfg Config) *Runner {
	shares := newShares()
	shares.workers = queues.Workers
	return &Runner{
		store: store, queues: queues, cfg: cfg.withDefaults(),
		open:   func(job crawler.Job) seededFrontier { return open(job) },
		shares: shares, complained: make(map[string]time.Time), jobRuns: make(map[string]*jobRun),
		known:  make(map[string]bool),
		served: make(map[string]bool), running: make(map[string]*jobScheduler), looks: make(chan struct{}, 1),
	}
}

// Look makes the runner list the jobs now, because one was created or has changed. It does
// not wait, and may be called at any time, by any goroutine.
func (b *Runner) Look() {
	b.cfg.Lull.Stir()
	select {
	case b.looks <- struct{}{}:
	default: // it is about to look anyway
	}
}

// Nudge makes the scheduler of a job look early, as jobScheduler.Nudge does; those of all jobs if
// job is "". It may be called at any time, by any goroutine, for any job.
func (b *Runner) Nudge(job string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, s := range b.running {
		if job == "" || job == name {
			s.Nudge()
		}
	}
}

// Run runs the jobs until ctx ends.
func (b *Runner) Run(ctx context.Context) error {
	defer b.wg.Wait()
	for {
		if !b.undisturbed(ctx) {
			if err := b.round(ctx); err != nil && ctx.Err() == nil {
				b.cfg.Lull.Stir()
				b.cfg.Log.Error("the scheduler cannot continue", "error", err)
			}
		}
		over, ended := b.cfg.Lull.Pause(b.cfg.ListEvery, pausesEvery)
		select {
		case <-over:
		case <-ended:
		case <-b.looks:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// round handles every job once.
func (b *Runner) round(ctx context.Context) error {
	b.paused.queues = 0
	all, err := b.store.Statuses(ctx)
	if err != nil {
		return err
	}
	if len(b.cfg.Jobs) > 0 {
		all = slices.DeleteFunc(all, func(s crawler.Status) bool { return !slices.Contains(b.cfg.Jobs, s.Job.Name) })
	}
	there := make(map[string]bool, len(all))
	for _, job := range all {
		there[job.Job.Name], b.known[job.Job.Name] = true, true
		if err := b.see(ctx, job); err != nil && ctx.Err() == nil {
			b.complain(job.Job.Name, err)
		}
		if job.State == crawler.StateBroken {
			b.complain(job.Job.Name, errors.New(job.Reason))
		}
		b.passOn(ctx, job)
	}
	maps.DeleteFunc(b.complained, func(name string, _ time.Time) bool { return !there[name] })
	b.forget(there)
	b.noteListed(all)
	return b.retire(ctx, all)
}

// passOn passes on the events of a job that no runner has passed on yet.
func (b *Runner) passOn(ctx context.Context, job crawler.Status) {
	if job.Events <= job.Told {
		return
	}
	if err := b.cfg.Happened(ctx, job); err != nil && ctx.Err() == nil && !errors.Is(err, queue.ErrNoJob) {
		b.complain(job.Job.Name, err)
	}
}

// complain logs an error about one job, repeating it now and then while it lasts.
func (b *Runner) complain(job string, err error) {
	if time.Since(b.complained[job]) < complainEvery {
		return
	}
	b.complained[job] = time.Now()
	b.cfg.Log.Error("cannot continue the job; other jobs continue", "job", job, "error", err)
}

// forget drops jobs that were removed, once nothing runs for them any more.
func (b *Runner) forget(there map[string]bool) {
	for name := range b.known {
		if there[name] {
			continue
		}
		if d := b.jobRuns[name]; d != nil {
			if d.stop(); !d.over() {
				continue
			}
			b.leave(name, d)
		}
		if b.served[name] {
			if _, err := b.queues.Forget(name); err != nil {
				b.complain(name, err)
				continue
			}
			delete(b.served, name)
		}
		delete(b.known, name)
		b.cfg.Removed(name)
	}
}

// see does what the state of a job requires.
func (b *Runner) see(ctx context.Context, job crawler.Status) error {
	name := job.Job.Name
	if d := b.jobRuns[name]; d != nil && (d.over() || !d.created.Equal(job.Created)) {
		b.leave(name, d)
	}
	switch job.State {
	case crawler.StateRunning, crawler.StatePaused:
		if job.Job.Schedule != "" { // only its runs are scheduled
			return b.repeat(ctx, job)
		}
		if b.jobRuns[name] == nil {
			b.take(ctx, job)
		}
		return b.reconcile(ctx, job)
	case crawler.StateCancelled:
		return b.clear(ctx, job)
	case crawler.StateCreated:
		if job.Job.Schedule != "" {
			return b.repeat(ctx, job)
		}
		return b.begin(ctx, job)
	}
	return nil
}

// begin admits the seeds of a job that was created and starts it. It may be repeated, and
// run by several processes at once.
func (b *Runner) begin(ctx context.Context, job crawler.Status) error {
	seeds, err := rules.SeedEntries(job.Job)
	if err != nil {
		_, moved := b.store.Move(ctx, job.Job.Name, crawler.StateFailed, err.Error(), crawler.StateCreated)
		return moved
	}
	if _, err := b.open(job.Job).Admit(ctx, seeds); err != nil {
		return err
	}
	if len(seeds) > 0 { // a job without seeds waits for some
		if err := b.store.Seeded(ctx, job.Job.Name, true); err != nil {
			return err
		}
	}
	_, err = b.store.Move(ctx, job.Job.Name, crawler.StateRunning, "", crawler.StateCreated)
	b.Look() // to start its scheduler
	return err
}

// take starts a scheduler for a job.
func (b *Runner) take(ctx context.Context, job crawler.Status) {
	ctx, stop := context.WithCancel(ctx)
	d := &jobRun{created: job.Created, stop: stop, done: make(chan struct{})}
	b.jobRuns[job.Job.Name] = d
	s := newJobScheduler(job.Job.Name, b.store, b.open(job.Job), b.queues, b.cfg)
	s.shares = b.shares
	b.run(job.Job.Name, s)
	b.wg.Go(func() {
		defer close(d.done)
		defer b.shares.leave(job.Job.Name)
		status, err := s.Run(ctx) // it logs errors, and ends with the job or with ctx
		b.end(job.Job.Name, s)
		if err == nil {
			b.cfg.Ended(status)
		}
	})
}

// run registers the scheduler of a job for Nudge.
func (b *Runner) run(job string, s *jobScheduler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running[job] = s
}

// end unregisters a scheduler, unless another one has replaced it.
func (b *Runner) end(job string, s *jobScheduler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running[job] == s {
		delete(b.running, job)
	}
}

func (b *Runner) leave(name string, d *jobRun) {
	d.stop()
	delete(b.jobRuns, name)
	b.served[name] = true
}

// over reports whether the scheduler has ended.
func (d *jobRun) over() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// reconcile makes asynq show that the job is paused, and pauses the job if its queue was
// paused in asynq's web UI: whichever differs from what was last shown has changed. If they
// differ, it reads the job's status again, because another runner may have handled the
// change since all jobs were listed.
func (b *Runner) reconcile(ctx context.Context, job crawler.Status) error {
	name := job.Job.Name
	queue, known, err := b.queues.Paused(name)
	if err != nil || !known {
		return err
	}
	if queue {
		b.paused.queues++
	}
	if queue == (job.State == crawler.StatePaused) {
		if job.Showing {
			return b.store.SetPaused(ctx, name, queue)
		}
		return nil
	}
	if job, err = b.store.Status(ctx, name); err != nil {
		return err
	}
	state := job.State == crawler.StatePaused
	switch {
	case queue == state || job.State.Ended():
		return nil
	case job.Showing || state != job.Paused:
		return b.show(ctx, name, state)
	case queue:
		_, err = b.store.Move(ctx, name, crawler.StatePaused, "paused in asynq", crawler.StateRunning)
	default:
		_, err = b.store.Move(ctx, name, crawler.StateRunning, "", crawler.StatePaused)
	}
	if err != nil {
		return err
	}
	return b.store.SetPaused(ctx, name, queue)
}

// show pauses or unpauses the job's queue to match the job. It first records that it is
// about to. Otherwise, if asynq's reply is lost and the job is resumed meanwhile, the
// queue's pause would look as if it came from asynq's web UI.
func (b *Runner) show(ctx context.Context, name string, paused bool) error {
	if err := b.store.ShowPause(ctx, name); err != nil {
		return err
	}
	if err := b.queues.SetPaused(name, paused); err != nil {
		return err
	}
	return b.store.SetPaused(ctx, name, paused)
}

// clearAfter is how long after its end a cancelled job is cleared. By then, most schedulers
// know that it ended, and enqueue no more visits.
const clearAfter = time.Second

// clearTerm is how long after its end to wait for a cancelled job's tasks that asynq
// considers active. Those of live workers have ended by then.
const clearTerm = 20 * time.Second

// clear removes what a cancelled job leaves behind, once its visits have ended. It may be
// repeated, and run by several processes at once; only the last step records that it is
// done. A runner whose own scheduler handled the job clears it after that scheduler has
// ended, even if another runner has cleared it: a slow scheduler may enqueue a visit into a
// deleted queue, and no other process knows of it.
func (b *Runner) clear(ctx context.Context, job crawler.Status) error {
	name := job.Job.Name
	if job.Cleared && !b.served[name] || b.jobRuns[name] != nil || job.Now.Sub(job.Ended) < clearAfter {
		return nil
	}
	frontier := b.open(job.Job)
	counters, err := frontier.Counters(ctx)
	if err != nil {
		return err
	}
	if counters.Open > 0 {
		_, err := frontier.Sweep(ctx, 0)
		return err
	}
	gone, err := b.queues.Forget(name)
	if err != nil || !gone && job.Now.Sub(job.Ended) < clearTerm {
		return err
	}
	if err := b.store.Clear(ctx, name); err != nil {
		return err
	}
	delete(b.served, name)
	return nil
}
