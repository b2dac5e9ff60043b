package localcrawl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/webhook"
	"github.com/trawlcrawler/trawl/tasks"
)

// Process is a whole fleet in one process: a Redis, a scheduler and a worker. It carries out
// any number of jobs; see [OpenProcess]. A [Runner] is a Process with one job.
type Process struct {
	// Redis holds the jobs.
	Redis *fleet.Backend
	// Connection connects the process to Redis, with its health and metrics.
	Connection *fleet.Connection
	// Client is for callers that look at jobs while they run.
	Client *tasks.Client

	outlet    *fleet.Outlet
	worker    *fleet.Worker
	scheduler *fleet.Scheduler
	handlers  fleet.Handlers // nil if there are none
	closers   []func() error

	stop    context.CancelFunc
	failing sync.Once
	failure error // what ended the run early; read it only after the run
}

// ErrRedisLost says that the private redis-server of a process ended by itself.
var ErrRedisLost = errors.New("the private redis-server ended by itself")

// ProcessConfig configures a Process.
type ProcessConfig struct {
	// Redis is the URL of a Redis that others may use too. Default: a private one.
	Redis string
	// Folder holds, in .trawl, the files of a private Redis. Only one process can use it at a
	// time. It is required without Redis.
	Folder string
	// Out is where the results go; each job has its own folder there.
	Out fleet.OutletConfig
	// Worker configures the worker, except for its outlet and handlers.
	Worker fleet.WorkerConfig
	// Handlers returns the program's handlers, which may use the client. Default none.
	Handlers func(*tasks.Client) fleet.Handlers
	// Ended is called for each job that the scheduler sees end. It must not block.
	Ended func(crawler.Status)
	// Words are the user's terms for what errors mention.
	Words Words
	Log   *slog.Logger
}

// OpenProcess opens or starts the Redis, and prepares a scheduler and a worker. In a private
// Redis, it makes the jobs of an earlier process ready to continue. The caller must close the
// Process.
func OpenProcess(ctx context.Context, cfg ProcessConfig) (_ *Process, err error) {
	p := new(Process)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	temp := cfg.Worker.Fetch.TempDir
	if cfg.Redis == "" {
		folder, err := OpenFolder(cfg.Folder, cfg.Words)
		if err != nil {
			return nil, err
		}
		p.closers = append(p.closers, folder.Close)
		temp = folder.State()
	}
	if err := p.connect(ctx, cfg.Redis, fleet.StartConfig{Dir: temp, Persist: true, Log: cfg.Log}); err != nil {
		return nil, err
	}
	if err := p.checkSpill(ctx, cfg.Worker.Spill, cfg.Words); err != nil {
		return nil, err
	}
	if cfg.Worker.Name != "" {
		if err := p.Connection.CheckName(ctx, cfg.Worker.Name); err != nil {
			return nil, err
		}
	}
	if err := p.abandon(ctx); err != nil {
		return nil, err
	}
	cfg.Out.Store, cfg.Out.Log = p.store(), cfg.Log
	out, err := fleet.OpenOutlet(ctx, cfg.Out)
	if err != nil {
		return nil, err
	}
	p.outlet = out
	cfg.Worker.Fetch.TempDir = temp
	visited := cfg.Worker.Observer.Visited
	cfg.Worker.Poll = poll
	cfg.Worker.Observer.Visited = func(job string) {
		p.scheduler.Nudge(job) // it may have been the job's last visit
		if visited != nil {
			visited(job)
		}
	}
	scheduling := fleet.SchedulerConfig{Jobs: cfg.Worker.Jobs, Ended: cfg.Ended, Seeds: true}
	if p.Redis.Private { // the program has named the receivers
		scheduling.Webhooks = &webhook.Config{AllowPrivate: true}
	}
	return p, p.setUp(cfg.Worker, cfg.Handlers, scheduling)
}

// connect opens the Redis at url, or starts a private one as own says.
func (p *Process) connect(ctx context.Context, url string, own fleet.StartConfig) (err error) {
	if url != "" {
		p.Redis, err = fleet.Connect(ctx, url, own.Log)
	} else {
		p.Redis, err = fleet.Start(ctx, own)
	}
	if err != nil {
		return err
	}
	p.Connection = fleet.Join(p.Redis, own.Log)
	p.Client = tasks.NewClient(p.store(), p.Redis.Endpoint)
	p.closers = append(p.closers, p.Redis.Close, p.Client.Close)
	return nil
}

// checkSpill checks that waiting URLs can be spilled, if they are to be.
func (p *Process) checkSpill(ctx context.Context, cfg fleet.SpillConfig, words Words) error {
	if cfg.Budget > 0 && p.Redis.Builtin {
		return refuse("the built-in Redis does not tell how much memory it uses: install redis-server, or leave out %s",
			words.Budget)
	}
	return fleet.CheckSpill(ctx, cfg.Where, words.Spill)
}

func (p *Process) store() *frontier.Store { return p.Connection.Store }

// setUp creates the worker and the scheduler.
func (p *Process) setUp(w fleet.WorkerConfig, handlers func(*tasks.Client) fleet.Handlers,
	s fleet.SchedulerConfig) (err error) {
	if handlers != nil {
		p.handlers = handlers(p.Client)
		w.Handlers = p.handlers
	}
	w.Out = p.outlet
	if p.worker, err = fleet.NewWorker(p.Connection, w); err != nil {
		return err
	}
	s.Worker = p.worker
	p.scheduler = fleet.NewScheduler(p.Connection, s)
	return nil
}

// Run carries out jobs until ctx ends, and then finishes what is under way, until hard ends.
// It returns why it ended early: the error wraps [ErrRedisLost] if the private Redis ended.
// Call Run once.
func (p *Process) Run(ctx, hard context.Context) error {
	ctx, p.stop = context.WithCancel(ctx)
	defer p.stop()
	p.outlet = nil // the worker owns it, and closes it
	p.run(ctx, hard)
	p.failed()
	return p.failure
}

// run runs the scheduler, the worker and further parts until ctx ends and all have returned.
func (p *Process) run(ctx, hard context.Context, also ...func(context.Context)) {
	watched, unwatch := context.WithCancel(hard)
	defer p.Connection.Watch(watched)()
	defer unwatch()
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := p.scheduler.Run(ctx); err != nil && ctx.Err() == nil {
			p.fail(err)
		}
	})
	parts.Go(func() { p.worker.Run(ctx, hard) })
	parts.Go(func() { p.watch(ctx) })
	for _, part := range also {
		parts.Go(func() { part(ctx) })
	}
	parts.Wait()
}

// Start creates a job and lets scheduler and worker see it at once. The private hosts that
// its seeds name are opened for this job alone. With restart, a job of that name is removed
// first, and its results are set aside. Otherwise the error wraps [queue.ErrJobExists] if
// there is one. owner is the only worker that may run the job; "" for any.
func (p *Process) Start(ctx context.Context, job crawler.Job, opened queue.Opened, owner string, restart bool) error {
	seeds, err := rules.SeedEntries(job)
	if err != nil {
		return err
	}
	for _, e := range seeds {
		if h := e.URL.Host(); !isMetadata(h) {
			opened.Hosts = append(opened.Hosts, h)
		}
	}
	if restart {
		if err := p.remove(ctx, job.Name); err != nil {
			return fmt.Errorf("forget the earlier job %q: %w", job.Name, err)
		}
	}
	if err := p.Client.CreateFrom(ctx, job, queue.Origin{Opens: true, Owner: owner}, opened); err != nil {
		return err
	}
	p.Look()
	return nil
}

// Look makes scheduler and worker look at the jobs now, because one has changed.
func (p *Process) Look() {
	p.scheduler.Look()
	p.worker.Nudge()
}

// remove ends and removes a job, if there is one.
func (p *Process) remove(ctx context.Context, job string) error {
	status, err := p.Client.Status(ctx, job)
	if err == nil && !status.State.Ended() && status.State != crawler.StateBroken {
		err = p.Client.Cancel(ctx, job)
	}
	if err == nil {
		err = p.Client.Remove(ctx, job)
	}
	if errors.Is(err, queue.ErrNoJob) {
		return nil
	}
	return err
}

// abandon breaks the visits in a private Redis, because their worker ended with the
// previous process.
func (p *Process) abandon(ctx context.Context) error {
	if !p.Redis.Private {
		return nil
	}
	all, err := p.store().Statuses(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.State.Ended() || s.State == crawler.StateBroken {
			continue
		}
		if err := p.store().Frontier(s.Job).Abandon(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fail ends the run early; nothing that was collected is lost.
func (p *Process) fail(err error) {
	p.failing.Do(func() {
		p.failure = err
		p.stop()
	})
}

// failed makes later calls of fail do nothing, so that the failure may be read.
func (p *Process) failed() { p.failing.Do(func() {}) }

// watch ends the run if the private Redis ends unexpectedly.
func (p *Process) watch(ctx context.Context) {
	select {
	case <-p.Redis.Lost:
		p.fail(fmt.Errorf("%w; its log is in %s/redis/redis.log", ErrRedisLost, StateDir))
	case <-ctx.Done():
	}
}

// Close closes what was opened, after Run has returned.
func (p *Process) Close() error { return p.close() }

// close closes what is open, in reverse order.
func (p *Process) close() (err error) {
	if p.outlet != nil {
		err = p.outlet.Close()
	}
	for _, end := range slices.Backward(p.closers) {
		err = errors.Join(err, end())
	}
	return err
}
