package trawl

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/tasks"
)

// Fleet is the part of a fleet that runs in this process, for any number of jobs: one
// scheduler and one worker, on one Redis. A program has one. It is safe for concurrent use.
type Fleet struct {
	cfg     Config
	sets    *brought
	process *localcrawl.Process
	health  *fleet.Health
	board   *board

	failures failures

	unlisten   func() // ends what cfg.Log receives of go-redis
	stop, kill context.CancelFunc
	stopped    chan struct{} // closed when everything has ended
	err        error         // of everything that ended; read it after stopped

	mu   sync.Mutex
	last map[string]Stats // by job: the numbers that were read last
}

// Open joins the fleet of cfg.Redis with a scheduler and a worker, until [Fleet.Shutdown]. ctx
// is for opening alone.
//
// Without cfg.Redis, the fleet is this process: with a private redis-server whose files are
// in cfg.Out, under .trawl, or with the embedded Redis if there is no redis-server on PATH.
// Jobs that had not ended when an earlier process shut down, or was killed, continue; with
// the embedded Redis they are gone. Only one process at a time can open a folder like that.
//
// The error wraps that of ctx and its cause if ctx ends first, [ErrFolderInUse] if another
// process has the folder, and [ErrUnavailable] if cfg.Redis cannot be reached. Nothing is started
// then.
func Open(ctx context.Context, cfg Config, handlers ...*Handlers) (_ *Fleet, err error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	defer withCause(ctx, &err)
	cfg = cfg.withDefaults()
	sets, err := gather(handlers)
	if err == nil {
		err = cfg.validate()
	}
	if err == nil && cfg.Redis == "" && output.IsBucket(cfg.Out) {
		err = fmt.Errorf("Config.Out: %q is a bucket: without Config.Redis, the state is next to the results, so name a folder", cfg.Out)
	}
	if err != nil {
		return nil, fmt.Errorf("trawl: %w", err)
	}
	if cfg.Name == "" {
		cfg.Name = fleet.WorkerName()
	}
	f := &Fleet{cfg: cfg, board: newBoard(), stopped: make(chan struct{}), last: make(map[string]Stats),
		unlisten: redisconn.Listen(cfg.Log)}
	f.process, err = localcrawl.OpenProcess(ctx, localcrawl.ProcessConfig{
		Redis: cfg.Redis, Folder: cfg.Out, Out: fleet.OutletConfig{Where: cfg.Out, Spool: cfg.Spool},
		Worker: f.worker(), Handlers: f.handlers(sets), Ended: f.board.post, Words: words, Log: cfg.Log,
	})
	if err != nil {
		f.unlisten()
		return nil, fmt.Errorf("trawl: %w", err)
	}
	if f.health, err = fleet.ServeHealth(cfg.Listen, f.process.Connection); err != nil {
		defer f.unlisten()
		return nil, errors.Join(fmt.Errorf("trawl: %w", err), f.process.Close())
	}
	cfg.Log.Info("started", "listen", f.health.Address())
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	f.stop, f.kill = stop, kill
	go f.run(working, hard)
	return f, nil
}

// worker returns the configuration of the fleet's worker.
func (f *Fleet) worker() fleet.WorkerConfig {
	c := f.cfg
	fetching, _ := c.fetching() // validate has returned the error
	return fleet.WorkerConfig{
		Name: c.Name, Concurrency: c.Concurrency, Jobs: c.Jobs, Closed: c.OwnAddresses,
		Fetch: fetching, Browser: c.Browser, Spill: c.spill(),
		HandlerTime: c.HandlerTime, HandlerPlaces: c.HandlerPlaces, Grace: c.Grace,
		KeepPause: c.keepPause,
		Observer: fleet.Observer{Listed: f.board.list, Serves: f.board.serve, Settled: f.board.settled,
			Failed: f.failures.note},
	}
}

// handlers returns a function that creates the handlers of the fleet's worker.
func (f *Fleet) handlers(sets map[string]*Handlers) func(*tasks.Client) fleet.Handlers {
	return func(client *tasks.Client) fleet.Handlers {
		f.sets = &brought{sets: sets, client: client, log: f.cfg.Log, handle: f.board.handle}
		return f.sets
	}
}

// run carries out jobs until the fleet is shut down or loses its private Redis, and closes
// everything.
func (f *Fleet) run(working, hard context.Context) {
	defer close(f.stopped)
	defer f.kill()
	defer f.unlisten()
	err := f.process.Run(working, hard)
	f.remember()
	f.health.Stop()
	if err = errors.Join(err, f.process.Close()); err != nil {
		f.err = fmt.Errorf("trawl: %w", err)
	}
}

// remember reads the last numbers of all jobs that the program may ask for.
func (f *Fleet) remember() {
	ctx, cancel := context.WithTimeout(context.Background(), fleet.ReadyTerm)
	defer cancel()
	for _, job := range f.board.names() {
		if _, err := f.stats(ctx, job); err != nil && ctx.Err() != nil {
			return
		}
	}
}

// known returns the last numbers of a job that are known. whole reports whether its counters
// were ever read.
func (f *Fleet) known(job string) (stats Stats, whole bool) {
	status, _, _, _ := f.board.look(job)
	f.mu.Lock()
	defer f.mu.Unlock()
	stats, whole = f.last[job]
	return statsOf(status, stats.Counters), whole
}

// Start creates a job and starts it at once. A job whose Handlers are nil gets all handlers
// of the fleet; one whose Handlers are empty but not nil gets none. The job may connect to
// the private hosts that its seeds name, on any worker. A job without seeds waits for some
// ([Run.Seed]).
//
// With Config.Restart, a job of that name is cancelled and removed first, and its results are
// moved to a folder within the job's. Otherwise the error wraps [ErrJobExists] if there is
// one, whatever its state: [Fleet.Job] returns it. The error wraps [ErrNoHandlers] if the
// job needs handlers that the program lacks, [ErrFleetClosed] after Shutdown, [ErrUnavailable]
// while Redis cannot be reached, and the cause of ctx if ctx has ended; it is a [SettingError] if a
// setting is wrong.
func (f *Fleet) Start(ctx context.Context, job Job) (_ *Run, err error) {
	if err := f.open(ctx); err != nil {
		return nil, err
	}
	defer typed(ctx, &err)
	if job = complete(job); job.Handlers == nil {
		job.Handlers = f.sets.Names()
	}
	if err = f.check(job); err == nil {
		opened := queue.Opened{Networks: f.cfg.AllowCIDR, Private: f.cfg.AllowPrivate}
		err = f.process.Start(ctx, job, opened, f.owner(), f.cfg.Restart)
	}
	if err != nil {
		return nil, fmt.Errorf("trawl: start job %q: %w", job.Name, err)
	}
	return f.Job(ctx, job.Name)
}

// owner returns the only worker that may run the jobs that the program starts: this one, if it
// has logins, headers, proxies or a transport that others lack; otherwise "".
func (f *Fleet) owner() string {
	if !f.cfg.private() {
		return ""
	}
	return f.cfg.Name
}

// check refuses jobs that this process could not run.
func (f *Fleet) check(job Job) error {
	if err := validate(job); err != nil {
		return err
	}
	if err := f.sets.lacking(job); err != nil {
		return err
	}
	if !f.serves(job.Name) {
		return fmt.Errorf("Config.Jobs does not name it, so that this process would not run it: add it, or leave Config.Jobs empty")
	}
	return nil
}

// serves reports whether Config.Jobs names a job.
func (f *Fleet) serves(job string) bool {
	if len(f.cfg.Jobs) == 0 {
		return true
	}
	for _, name := range f.cfg.Jobs {
		if name == job {
			return true
		}
	}
	return false
}

// Job returns a job of the fleet, whoever started it. The error wraps [ErrNoJob] if there is
// none of that name.
func (f *Fleet) Job(ctx context.Context, name string) (_ *Run, err error) {
	if err := f.open(ctx); err != nil {
		return nil, err
	}
	defer typed(ctx, &err)
	r := &Run{fleet: f, name: name}
	if _, err := r.refresh(ctx); err != nil {
		return nil, fmt.Errorf("trawl: %w", err)
	}
	return r, nil
}

// Client returns a client of the fleet, for what concerns more than one job. It is closed with
// the fleet.
func (f *Fleet) Client() *Client { return &Client{fleet: f.process.Client} }

// open returns an error if the fleet is shut down, or ctx has ended.
func (f *Fleet) open(ctx context.Context) error {
	select {
	case <-f.stopped:
		return f.closed()
	default:
	}
	return alive(ctx)
}

// closed returns the error of methods that need a fleet that is not shut down.
func (f *Fleet) closed() error {
	if f.err != nil {
		return fmt.Errorf("%w: %w", ErrFleetClosed, f.err)
	}
	return ErrFleetClosed
}

// Shutdown ends the fleet's part in this process: no page is requested any more, requests and
// handlers under way have Config.Grace to finish, what they have made is kept, and the rest
// returns to its queue. It returns when no goroutine of the fleet is left. If ctx ends first,
// requests and handlers are cut off, and the error wraps that of ctx. Jobs stay as they are,
// and continue when a process with their handlers opens the fleet again. Further calls wait,
// too.
func (f *Fleet) Shutdown(ctx context.Context) error {
	f.stop()
	select {
	case <-f.stopped:
		return f.err
	case <-ctx.Done():
	}
	f.kill()
	<-f.stopped
	return errors.Join(fmt.Errorf("trawl: shut down: %w", ended(ctx)), f.err)
}

// stats reads the numbers of a job.
func (f *Fleet) stats(ctx context.Context, job string) (Stats, error) {
	status, err := f.process.Client.Status(ctx, job)
	if err != nil {
		return Stats{}, err
	}
	counters, err := f.process.Client.Counters(ctx, job)
	if err != nil {
		return Stats{}, err
	}
	f.board.post(status)
	stats := statsOf(status, counters)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last[job] = stats
	return stats, nil
}
