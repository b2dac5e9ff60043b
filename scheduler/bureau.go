package scheduler

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Store is what a bureau asks of the jobs' store.
type Store interface {
	Jobs
	// Statuses lists all jobs.
	Statuses(ctx context.Context) ([]crawler.Status, error)
	// CreateRun stores a run of a periodic job, or returns an error that is crawler.ErrJobExists.
	CreateRun(ctx context.Context, run crawler.Job, of string) error
	// Seeded notes that all seeds of the job are admitted.
	Seeded(ctx context.Context, job string, all bool) error
	// Clear removes all of a job that has ended, and of its queue, but its record.
	Clear(ctx context.Context, job string) error
	// Remove removes all of a job, and of its queue. The error is crawler.ErrNoJob
	// when there is none.
	Remove(ctx context.Context, job string) error
	// ShowPause notes that the job's queue is about to be made to show what the job is.
	ShowPause(ctx context.Context, job string) error
	// SetPaused notes whether the job's queue shows that it is paused.
	SetPaused(ctx context.Context, job string, paused bool) error
	// Ticked notes that a tick of a periodic job was seen to, unless a later one
	// was, and the job's last run.
	Ticked(ctx context.Context, job string, tick time.Time, lastRun string) error
}

// Queues is what a bureau asks of asynq besides.
type Queues interface {
	Fleet
	// Workers names the workers that serve the job, as of when Capacity was last asked. It
	// does not wait.
	Workers(job string) []string
	// Paused reports whether the job's queue is paused, and whether there is one.
	Paused(job string) (paused, known bool, err error)
	SetPaused(job string, paused bool) error
	// Forget deletes the job's queue, with all tasks but those that are active. It
	// reports whether there were none.
	Forget(job string) (gone bool, err error)
}

// SeededFrontier is a frontier that the bureau brings a job's own seeds to.
type SeededFrontier interface {
	Frontier
	Admit(ctx context.Context, entries []crawler.Entry) (fresh int, err error)
}

// Bureau keeps all jobs of a fleet going: a scheduler for each that runs. Any
// number of bureaus may run at once, in any number of processes.
type Bureau struct {
	store  Store
	queues Queues
	open   func(crawler.Job) SeededFrontier
	cfg    Config

	shares     *shares
	complained map[string]time.Time // by job: when trouble with it was last logged
	desks      map[string]*desk     // by job
	known      map[string]bool      // jobs that there were
	wg         sync.WaitGroup

	mu      sync.Mutex
	running map[string]*Scheduler // by job: what Nudge tells
}

// desk is where one job is kept going.
type desk struct {
	created time.Time // of the job: another of its name is another job
	stop    context.CancelFunc
	done    chan struct{}
}

// NewBureau returns a bureau. open returns the frontier of a job.
func NewBureau(store Store, queues Queues, open func(crawler.Job) SeededFrontier, cfg Config) *Bureau {
	shares := newShares()
	shares.workers = queues.Workers
	return &Bureau{
		store: store, queues: queues, open: open, cfg: cfg.withDefaults(),
		shares: shares, complained: make(map[string]time.Time), desks: make(map[string]*desk), known: make(map[string]bool),
		running: make(map[string]*Scheduler),
	}
}

// Nudge lets a job be looked at before its time, as [Scheduler.Nudge] does. It may be called at any
// time, by any goroutine, for any job.
func (b *Bureau) Nudge(job string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.running[job]; s != nil {
		s.Nudge()
	}
}

// roundEvery is how often a bureau looks which jobs there are.
const roundEvery = 500 * time.Millisecond

// Run keeps the jobs going until ctx ends.
func (b *Bureau) Run(ctx context.Context) error {
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	defer b.wg.Wait()
	for {
		if err := b.round(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Log.Error("the scheduler is held up", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// round looks at every job once.
func (b *Bureau) round(ctx context.Context) error {
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
	}
	maps.DeleteFunc(b.complained, func(name string, _ time.Time) bool { return !there[name] })
	b.forget(there)
	return b.retire(ctx, all)
}

// complain logs trouble with one job, now and then while it lasts.
func (b *Bureau) complain(job string, err error) {
	if time.Since(b.complained[job]) < complainEvery {
		return
	}
	b.complained[job] = time.Now()
	b.cfg.Log.Error("the job is held up, others go on", "job", job, "error", err)
}

// forget lets go of jobs that were removed, once nothing is done for them any more.
func (b *Bureau) forget(there map[string]bool) {
	for name := range b.known {
		if there[name] {
			continue
		}
		if d := b.desks[name]; d != nil {
			if d.stop(); !d.over() {
				continue
			}
			delete(b.desks, name)
		}
		delete(b.known, name)
		b.cfg.Removed(name)
	}
}

// see does for one job what its state asks for.
func (b *Bureau) see(ctx context.Context, job crawler.Status) error {
	name := job.Job.Name
	if d := b.desks[name]; d != nil && (d.over() || !d.created.Equal(job.Created)) {
		b.leave(name, d)
	}
	switch job.State {
	case crawler.StateRunning, crawler.StatePaused:
		if job.Job.Schedule != "" { // it is its runs that run
			return b.repeat(ctx, job)
		}
		if b.desks[name] == nil {
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

// begin admits the seeds of a job that was created and lets it run. It may be
// done twice, and by several at once.
func (b *Bureau) begin(ctx context.Context, job crawler.Status) error {
	seeds, err := job.Job.SeedEntries()
	if err != nil {
		_, moved := b.store.Move(ctx, job.Job.Name, crawler.StateFailed, err.Error(), crawler.StateCreated)
		return moved
	}
	if _, err := b.open(job.Job).Admit(ctx, seeds); err != nil {
		return err
	}
	if len(seeds) > 0 { // one without waits for those who bring some
		if err := b.store.Seeded(ctx, job.Job.Name, true); err != nil {
			return err
		}
	}
	_, err = b.store.Move(ctx, job.Job.Name, crawler.StateRunning, "", crawler.StateCreated)
	return err
}

// take gives a job a desk.
func (b *Bureau) take(ctx context.Context, job crawler.Status) {
	ctx, stop := context.WithCancel(ctx)
	d := &desk{created: job.Created, stop: stop, done: make(chan struct{})}
	b.desks[job.Job.Name] = d
	s := New(job.Job.Name, b.store, b.open(job.Job), b.queues, b.cfg)
	s.shares = b.shares
	b.run(job.Job.Name, s)
	b.wg.Go(func() {
		defer close(d.done)
		defer b.shares.leave(job.Job.Name)
		status, err := s.Run(ctx) // it logs, and ends with the job or with ctx
		b.end(job.Job.Name, s)
		if err == nil {
			b.cfg.Ended(status)
		}
	})
}

// run lets the scheduler of a job be nudged.
func (b *Bureau) run(job string, s *Scheduler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running[job] = s
}

// end lets go of it, unless another has taken its place.
func (b *Bureau) end(job string, s *Scheduler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running[job] == s {
		delete(b.running, job)
	}
}

func (b *Bureau) leave(name string, d *desk) {
	d.stop()
	delete(b.desks, name)
}

// over reports whether the job at the desk has ended.
func (d *desk) over() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// reconcile lets a pause of the job show in asynq, and a pause in asynq's web UI
// pause the job: whichever differs from what was last shown has changed. What the
// job is, and what was shown, is read again when they differ, because another
// bureau may have seen to it since all jobs were listed.
func (b *Bureau) reconcile(ctx context.Context, job crawler.Status) error {
	name := job.Job.Name
	queue, known, err := b.queues.Paused(name)
	if err != nil || !known {
		return err
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

// show lets the job's queue show whether the job is paused. That it is about to is noted
// first: if the answer of asynq is lost, and somebody lets the job go on meanwhile, the
// pause that asynq shows is not taken for one of its web UI.
func (b *Bureau) show(ctx context.Context, name string, paused bool) error {
	if err := b.store.ShowPause(ctx, name); err != nil {
		return err
	}
	if err := b.queues.SetPaused(name, paused); err != nil {
		return err
	}
	return b.store.SetPaused(ctx, name, paused)
}

// clearAfter is how long after its end a cancelled job is cleared: until then, some
// scheduler may not know of it and enqueue another visit.
const clearAfter = time.Second

// clearTerm is for how long after its end a cancelled job's tasks that asynq holds
// to be active are waited for. Those of workers that live have ended by then.
const clearTerm = 20 * time.Second

// clear removes what a cancelled job leaves behind, once its visits have ended. It
// may be done twice, and by several at once; only the last step says that it is
// done.
func (b *Bureau) clear(ctx context.Context, job crawler.Status) error {
	if job.Cleared || job.Now.Sub(job.Ended) < clearAfter {
		return nil
	}
	name, frontier := job.Job.Name, b.open(job.Job)
	numbers, err := frontier.Counters(ctx)
	if err != nil {
		return err
	}
	if numbers.Open > 0 {
		_, err := frontier.Sweep(ctx, 0)
		return err
	}
	gone, err := b.queues.Forget(name)
	if err != nil || !gone && job.Now.Sub(job.Ended) < clearTerm {
		return err
	}
	return b.store.Clear(ctx, name)
}
