package trawl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/tasks"
)

// Crawl carries out a job to its end and returns its numbers. The program is a whole
// fleet, scheduler and worker, over a Redis that cfg names or one of its own; on a
// Redis that is shared, others may join ([Work], trawl worker). A job that names no
// handlers gets all that are given.
//
// When ctx ends, what is under way is finished, and the error of ctx returned with the numbers
// so far. Call Crawl again to go on with a job that was interrupted or killed; if its Redis was
// the built-in one, that is an error. A job that is done goes on if it has more seeds than before
// or a larger budget. Otherwise the error wraps [crawler.ErrJobEnded], and nothing is fetched:
// start the job over with Config.Restart, or name another. Settings that decide which pages belong
// to a job cannot change when it goes on. One process at a time crawls into the folder of a job.
// The command trawl crawl --out, with that folder, can go on with a job that has no handlers.
//
// Where other workers of a shared Redis keep pages of the job is logged at Warn, and
// [tasks.Client.Kept] returns it. Over a Redis of its own, Crawl ends when the jobs have ended
// that handlers created, too.
func Crawl(ctx context.Context, job Job, cfg Config, handlers ...*Handlers) (_ Counters, err error) {
	cfg = cfg.withDefaults()
	sets, err := gather(handlers)
	if err != nil {
		return Counters{}, fmt.Errorf("trawl: %w", err)
	}
	if len(job.Handlers) == 0 {
		for _, h := range handlers {
			job.Handlers = append(job.Handlers, h.name)
		}
	}
	if err := cfg.checkCrawl(job, &brought{sets: sets}); err != nil {
		return Counters{}, err
	}
	r, err := localcrawl.Open(ctx, cfg.runner(job, sets))
	if err != nil {
		return Counters{}, fmt.Errorf("trawl: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	if r.Plan == localcrawl.PlanDone {
		return cfg.over(ctx, r, job.Name)
	}
	health, err := fleet.ServeHealth(cfg.Listen, r.Door)
	if err != nil {
		return Counters{}, fmt.Errorf("trawl: %w", err)
	}
	defer health.Stop()
	cfg.Log.Info("started", "listen", health.Address())
	result, err := r.Run(ctx, nil)
	for _, k := range result.Elsewhere {
		cfg.Log.Warn("another worker keeps pages of the job", "job", job.Name, "pages", k.Pages, "where", k.Where, "machine", k.Machine, "worker", k.Worker)
	}
	if err != nil {
		err = fmt.Errorf("trawl: %w", err)
	}
	return result.Counters, errors.Join(ending(ctx, result), err)
}

// ending is the error of a job that was not crawled to its end.
func ending(ctx context.Context, result localcrawl.Result) error {
	switch s := result.Status; {
	case result.Interrupted:
		return ctx.Err()
	case s.State.Ended() && s.State != crawler.StateDone:
		return fmt.Errorf("trawl: job %s is %s: %s", s.Job.Name, s.State, s.Reason)
	}
	return nil
}

// over is what Crawl returns when there is nothing to do.
func (c Config) over(ctx context.Context, r *localcrawl.Runner, job string) (Counters, error) {
	if r.Finished { // the call before did not return
		return r.Client.Counters(ctx, job)
	}
	return Counters{}, fmt.Errorf("trawl: job %q is done since %s: %w: its results are in %s; start it over with Config.Restart, or name another",
		job, r.Ended.Format(time.RFC3339), crawler.ErrJobEnded, filepath.Join(c.Out, job))
}

// words are the names of the settings in errors.
var words = localcrawl.Words{
	Out: "Config.Out", Restart: "Config.Restart", Job: "Job.Name", Redis: "Config.Redis", Again: "the same call goes on",
}

// runner says how to crawl a job.
func (c Config) runner(job Job, sets map[string]*Handlers) localcrawl.Config {
	cfg := localcrawl.Config{
		Job: job, Restart: c.Restart, Redis: c.Redis, Folder: filepath.Join(c.Out, job.Name),
		Out:   localcrawl.Out{OutletConfig: fleet.OutletConfig{Where: c.Out}, PerJob: true},
		Fetch: fetch.Config{AllowPrivate: c.AllowPrivate, AllowCIDR: c.AllowCIDR}, Concurrency: c.Concurrency,
		Name: c.Name, Process: cmp.Or(c.Name, fleet.WorkerName()),
		HandlerTime: c.HandlerTime, HandlerPlaces: c.HandlerPlaces,
		Words: words, Log: c.Log,
		Hear: localcrawl.Hear{
			Visit:   func(crawler.Report) {},
			Waits:   func(why error) { c.logWaits(job.Name, why) },
			LeftOut: func(why error) { c.Log.Warn("a seed is left out", "job", job.Name, "error", why) },
			Aside:   func(folder string) { c.Log.Info("earlier results are set aside", "job", job.Name, "folder", folder) },
		},
	}
	if len(sets) > 0 {
		cfg.Handlers = func(client *tasks.Client) fleet.Handlers { return &brought{sets: sets, client: client, log: c.Log} }
	}
	return cfg
}

// logWaits logs why pages cannot be kept now, and when they can again.
func (c Config) logWaits(job string, why error) {
	if why == nil {
		c.Log.Info("pages can be kept again: the crawl goes on", "job", job)
		return
	}
	c.Log.Error("pages cannot be kept: the crawl waits, and goes on by itself when that is mended", "job", job, "error", why)
}

// checkCrawl refuses what cannot be crawled, before anything is made or started.
func (c Config) checkCrawl(job Job, b *brought) error {
	if err := c.validate(); err != nil {
		return err
	}
	if output.IsBucket(c.Out) {
		return fmt.Errorf("trawl: Config.Out: %q is a bucket: Crawl keeps its state beside the results, so name a folder", c.Out)
	}
	if err := job.Validate(); err != nil {
		return fmt.Errorf("trawl: job %q: %w", job.Name, err)
	}
	seeds, err := job.SeedEntries()
	switch {
	case err != nil:
		return fmt.Errorf("trawl: job %s: %w", job.Name, err)
	case len(seeds) == 0:
		return fmt.Errorf("trawl: job %s has no seeds", job.Name)
	case job.Schedule != "":
		return fmt.Errorf("trawl: job %s has a schedule: create it on a fleet, whose schedulers begin its runs", job.Name)
	}
	if err := b.lacking(job); err != nil {
		return fmt.Errorf("trawl: %w", err)
	}
	return nil
}
