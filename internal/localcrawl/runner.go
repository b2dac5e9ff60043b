package localcrawl

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/tasks"
)

// Runner crawls one job: see [Open].
type Runner struct {
	// Plan is what is to be done.
	Plan Plan
	// Ended is when the job ended, and Reason why, if there is nothing to do.
	Ended time.Time
	// Finished says that there is nothing to do, and that the run before did not get to its end:
	// what it left unfinished is finished now.
	Finished bool

	// Redis is where the job lies.
	Redis *fleet.Backing
	// Door is the process's way there, with its health and metrics.
	Door *fleet.Door
	// Client is for those who look at the job meanwhile.
	Client *tasks.Client

	cfg     Config
	homes   []crawler.Host // of the job's seeds
	folder  *Folder        // nil for a crawl that cannot go on later
	earlier *Note          // of the crawl before; nil for none
	outlet  *fleet.Outlet
	with    others
	closers []func() error

	worker    *fleet.Worker
	scheduler *fleet.Scheduler
	handlers  fleet.Handlers // nil for none
	ended     chan struct{}  // wakes who waits for jobs to end
	stop      context.CancelFunc
	failing   sync.Once
	failure   error // what ended the run early, once the run is over
}

// Open opens the Redis and the folder, and creates the job or finds it where an earlier run
// stopped. A crawl that is done is not silently repeated, and the results of two are never
// mixed: the error is a [Refusal] then. The Runner is to be closed.
func Open(ctx context.Context, cfg Config) (_ *Runner, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.Job.Schedule, cfg.Job.Runs = "", 0
	seeds, err := cfg.Job.SeedEntries()
	if err != nil {
		return nil, &Refusal{err}
	}
	r := &Runner{cfg: cfg, ended: make(chan struct{}, 1)}
	for _, e := range seeds {
		r.homes = append(r.homes, e.URL.Host())
	}
	for _, step := range []func(context.Context) error{r.openFolder, r.openRedis, r.openOutlet, r.startOver, r.settle} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// openFolder takes the folder and reads which crawl was there.
func (r *Runner) openFolder(context.Context) (err error) {
	if r.cfg.Folder == "" {
		return nil
	}
	if r.folder, err = OpenFolder(r.cfg.Folder, r.cfg.Words); err != nil {
		return err
	}
	r.closers = append(r.closers, r.folder.Close)
	if r.earlier, err = ReadNote(r.cfg.Folder); err != nil && !r.cfg.Restart {
		return fmt.Errorf("%w (%s sets the folder's results aside and begins anew)", err, r.cfg.Words.Restart)
	}
	return nil
}

// openRedis opens the Redis, or starts one of the job's own.
func (r *Runner) openRedis(ctx context.Context) (err error) {
	if r.cfg.Redis != "" {
		r.Redis, err = fleet.Connect(ctx, r.cfg.Redis, r.cfg.Log)
		if err != nil {
			return fmt.Errorf("%w (or leave out %s)", err, r.cfg.Words.Redis)
		}
	} else if r.Redis, err = fleet.Start(ctx, r.temp(), r.folder != nil, r.cfg.Log); err != nil {
		return err
	}
	r.Door = fleet.NewDoor(r.Redis, r.cfg.Log)
	r.Client = tasks.NewClient(r.store(), r.Redis.Endpoint)
	r.closers = append(r.closers, r.Redis.Close, r.Client.Close)
	return nil
}

// temp is for files of this process.
func (r *Runner) temp() string {
	if r.folder != nil {
		return r.folder.State()
	}
	return r.cfg.Temp
}

func (r *Runner) store() *frontier.Store { return r.Door.Store }

// openOutlet opens what the results go to. A prefix of a bucket has those of one crawl.
func (r *Runner) openOutlet(ctx context.Context) (err error) {
	if r.cfg.Out.Sink != nil {
		r.outlet = fleet.OutletTo(r.cfg.Out.Sink)
		return nil
	}
	if err := r.sameOut(); err != nil {
		return err
	}
	cfg := r.cfg.Out.OutletConfig
	cfg.Store, cfg.Log = r.store(), r.cfg.Log
	if cfg.Spool == "" {
		cfg.Spool = filepath.Join(r.temp(), "spool")
	}
	if r.outlet, err = fleet.OpenOutlet(ctx, cfg); err != nil {
		return err
	}
	if r.cfg.Out.PerJob {
		r.outlet.Adopt(r.beneath())
	}
	if !output.IsBucket(cfg.Where) || r.earlier != nil && !r.cfg.Restart {
		return nil
	}
	names, err := r.outlet.Place().Names(ctx)
	if err == nil && len(names) > 0 {
		err = refuse("%q has the results of an earlier crawl, such as %q: choose another prefix with %s", cfg.Where, names[0], r.cfg.Words.Out)
	}
	return err
}

// sameOut refuses to go on with a crawl whose results went elsewhere.
func (r *Runner) sameOut() error {
	was := r.bucket()
	switch {
	case r.earlier == nil || r.cfg.Restart || r.earlier.Out == was:
		return nil
	case r.earlier.Out == "":
		return refuse("the results of the crawl in %q are in that folder: name it with %s, or another job with %s",
			r.cfg.Folder, r.cfg.Words.Out, r.cfg.Words.Job)
	}
	return refuse("the results of the crawl in %q go to %q: name that with %s, or another job with %s",
		r.cfg.Folder, r.earlier.Out, r.cfg.Words.Out, r.cfg.Words.Job)
}

// bucket is the bucket of the results; "" when they are in the folder.
func (r *Runner) bucket() string {
	if output.IsBucket(r.cfg.Out.Where) {
		return r.cfg.Out.Where
	}
	return ""
}

// beneath is where the results of the job lie in the place of all results.
func (r *Runner) beneath() string {
	if r.cfg.Out.PerJob {
		return r.cfg.Job.Name
	}
	return ""
}

// Resumable reports whether a later run goes on with the job if this one is interrupted.
func (r *Runner) Resumable() bool { return r.folder != nil && r.Redis.Durable }

// flushTerm is for how long a crawl that was interrupted waits for a bucket: what does not
// come there is brought at the next start.
const flushTerm = 5 * time.Second

// Close waits until the results are where they belong, and ends what Open opened. When ctx has
// ended, it does not wait for long.
func (r *Runner) Close(ctx context.Context) error {
	if ctx.Err() != nil {
		var cancel func()
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), flushTerm)
		defer cancel()
	}
	return errors.Join(r.outlet.Flush(ctx), r.close())
}

// close ends what is open, the last first.
func (r *Runner) close() (err error) {
	if r.outlet != nil {
		err = r.outlet.Close()
	}
	for _, end := range slices.Backward(r.closers) {
		err = errors.Join(err, end())
	}
	return err
}
