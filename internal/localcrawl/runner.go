package localcrawl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Runner is a [Process] that crawls one job; see [Open].
type Runner struct {
	Process

	// Plan is what to do.
	Plan Plan
	// Ended is when the job ended, if there is nothing to do.
	Ended time.Time
	// Finished says that there is nothing to do, but that the previous run was killed at its
	// end; what it left unfinished is now finished.
	Finished bool

	cfg     Config
	homes   []crawler.Host // of the job's seeds
	folder  *Folder        // nil for a crawl that cannot be continued later
	earlier *Note          // of the previous crawl; nil if there isn't one
	with    others
	ended   chan struct{} // wakes await

	counted   crawler.Counters // of the job, as they were read last
	countedAt time.Time
}

// Open opens the Redis and the folder, and creates the job or finds it where an earlier run
// stopped. It never repeats a finished crawl silently, and never mixes the results of two:
// then the error is a [Refusal]. The caller must close the Runner.
func Open(ctx context.Context, cfg Config) (_ *Runner, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.Job.Schedule, cfg.Job.Runs = "", 0
	seeds, err := rules.SeedEntries(cfg.Job)
	if err != nil {
		return nil, &Refusal{err}
	}
	r := &Runner{cfg: cfg, ended: make(chan struct{}, 1)}
	for _, e := range seeds {
		r.homes = append(r.homes, e.URL.Host())
	}
	for _, step := range []func(context.Context) error{r.openFolder, r.openRedis, r.openSpill, r.openOutlet,
		r.startOver, r.settle} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// openFolder locks the folder and reads which crawl it holds.
func (r *Runner) openFolder(context.Context) (err error) {
	if r.cfg.Folder == "" {
		return nil
	}
	if r.folder, err = OpenFolder(r.cfg.Folder, r.cfg.Words); err != nil {
		return err
	}
	r.closers = append(r.closers, r.folder.Close)
	if r.earlier, err = ReadNote(r.cfg.Folder); err != nil && !r.cfg.Restart {
		return fmt.Errorf("%w (%s sets the folder's results aside and starts over)", err, r.cfg.Words.Restart)
	}
	return nil
}

// openRedis opens the Redis, or starts a private one.
func (r *Runner) openRedis(ctx context.Context) (err error) {
	err = r.connect(ctx, r.cfg.Redis, r.ownRedis())
	if err != nil && r.cfg.Redis != "" {
		return fmt.Errorf("%w (or leave out %s)", err, r.cfg.Words.Redis)
	}
	return err
}

// openSpill checks that waiting URLs can be spilled, if they are to be. A crawl that spilled some
// earlier continues to read them from its folder.
func (r *Runner) openSpill(ctx context.Context) error {
	spill := &r.cfg.Spill
	if err := r.checkSpill(ctx, *spill, r.cfg.Words); err != nil || spill.Where != "" {
		return err
	}
	own := filepath.Join(r.temp(), "spill")
	if _, err := os.Stat(own); err == nil || spill.Budget > 0 && (r.Redis.Private || !output.IsBucket(r.cfg.Out.Where)) {
		spill.Where = own
	}
	if spill.Budget > 0 {
		return fleet.CheckSpill(ctx, spill.Where, r.cfg.Words.Spill)
	}
	return nil
}

// ownRedis returns the configuration of a private Redis.
func (r *Runner) ownRedis() fleet.StartConfig {
	cfg := fleet.StartConfig{Dir: r.temp(), Persist: r.folder != nil, Fresh: r.cfg.Restart, Log: r.cfg.Log}
	if r.earlier != nil {
		cfg.Was = r.earlier.Backend
	}
	return cfg
}

// temp returns the folder for files of this process.
func (r *Runner) temp() string {
	if r.folder != nil {
		return r.folder.State()
	}
	return r.cfg.Temp
}

// openOutlet opens the outlet for the results. A prefix of a bucket may hold only one
// crawl.
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
		err = refuse("%q has the results of an earlier crawl, such as %q: choose another prefix with %s", cfg.Where,
			names[0], r.cfg.Words.Out)
	}
	return err
}

// sameOut refuses to continue a crawl whose results went to another place.
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

// bucket returns the bucket of the results; "" if they are in the folder.
func (r *Runner) bucket() string {
	if output.IsBucket(r.cfg.Out.Where) {
		return r.cfg.Out.Where
	}
	return ""
}

// beneath returns the folder of the job's results within the outlet.
func (r *Runner) beneath() string {
	if r.cfg.Out.PerJob {
		return r.cfg.Job.Name
	}
	return ""
}

// Resumable reports whether a later run can continue the job if this one is interrupted.
func (r *Runner) Resumable() bool { return r.folder != nil && r.Redis.Durable }

// flushTerm is how long an interrupted crawl waits for a bucket. What does not arrive in
// time is shipped at the next start.
const flushTerm = 5 * time.Second

// Close waits until the results have reached their destination, and closes what Open
// opened. If ctx has ended, it does not wait long.
func (r *Runner) Close(ctx context.Context) error {
	if ctx.Err() != nil {
		var cancel func()
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), flushTerm)
		defer cancel()
	}
	return errors.Join(r.outlet.Flush(ctx), r.close())
}
