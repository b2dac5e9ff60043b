package trawl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/tasks"
)

// Crawl runs a job to its end and returns its counters. The program is a whole fleet, with
// scheduler and worker, on the Redis that cfg names or on one of its own. On a shared
// Redis, other workers may join ([Work], trawl worker). A job that names no handlers gets
// all that are given.
//
// When ctx ends, requests in progress finish, and Crawl returns the error of ctx with the
// counters so far. Call Crawl again to resume a job that was interrupted or killed; if its
// Redis was the embedded one, that is an error. A job that is done continues if it has more
// seeds than before or a larger budget. Otherwise the error wraps [ErrJobEnded],
// and nothing is fetched: start the job again with Config.Restart, or choose another name.
// Settings that decide which pages are in scope cannot change when a job continues. Only
// one process at a time can crawl into the folder of a job. The command trawl crawl --out,
// with that folder, can resume a job that has no handlers.
//
// Errors are typed, and come with the numbers so far. Crawl returns one that wraps the cause of
// ctx if ctx has ended; [ErrCancelled] or [ErrFailed], with the error of a sink that failed; with
// a Redis of its own, [ErrRedisLost] if that has ended, and [ErrFolderInUse] if another process
// has the folder; on a shared one [ErrJobExists] if there is a job of that name whose results are
// elsewhere, and [ErrUnavailable] if Redis cannot be reached; [ErrNoHandlers] if the job, or one
// that its handlers have created, needs handlers that are not given; a [SettingError] if a setting
// is wrong.
//
// If other workers on a shared Redis keep pages of the job, Crawl logs where at Warn, and
// [tasks.Client.Kept] returns it. On a Redis of its own, Crawl returns only when the jobs
// that handlers created have ended, too.
func Crawl(ctx context.Context, job Job, cfg Config, handlers ...*Handlers) (_ Stats, err error) {
	if err := alive(ctx); err != nil {
		return Stats{}, err
	}
	defer withCause(ctx, &err)
	cfg, job = cfg.withDefaults(), complete(job)
	sets, err := gather(handlers)
	if err != nil {
		return Stats{}, fmt.Errorf("trawl: %w", err)
	}
	if len(job.Handlers) == 0 {
		for _, h := range handlers {
			job.Handlers = append(job.Handlers, h.name)
		}
	}
	if err := cfg.checkCrawl(job, &brought{sets: sets}); err != nil {
		return Stats{}, err
	}
	defer redisconn.Listen(cfg.Log)()
	var lost failures
	r, err := localcrawl.Open(ctx, cfg.runner(job, sets, &lost))
	if err != nil {
		return Stats{}, fmt.Errorf("trawl: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	if r.Plan == localcrawl.PlanDone {
		return cfg.over(ctx, r, job.Name)
	}
	health, err := fleet.ServeHealth(cfg.Listen, r.Connection)
	if err != nil {
		return Stats{}, fmt.Errorf("trawl: %w", err)
	}
	defer health.Stop()
	cfg.Log.Info("started", "listen", health.Address())
	result, err := r.Run(ctx, nil)
	for _, k := range result.Elsewhere {
		cfg.Log.Warn("another worker keeps pages of the job", "job", job.Name, "pages", k.Pages, "where", k.Where,
			"machine", k.Machine, "worker", k.Worker)
	}
	if err != nil {
		err = fmt.Errorf("trawl: %w", err)
	}
	return statsOf(result.Status, result.Counters), errors.Join(lost.ending(ctx, result), err)
}

// ending returns the error for a job that was not crawled to its end.
func (f *failures) ending(ctx context.Context, result localcrawl.Result) error {
	switch s := result.Status; {
	case result.Interrupted:
		return fmt.Errorf("trawl: job %q was interrupted: %w", s.Job.Name, ended(ctx))
	default:
		return f.unfinished(s, words.Again)
	}
}

// over returns the result of Crawl if there is nothing to do.
func (c Config) over(ctx context.Context, r *localcrawl.Runner, job string) (Stats, error) {
	if r.Finished { // the previous call did not return
		status, err := r.Client.Status(ctx, job)
		if err != nil {
			return Stats{}, fmt.Errorf("trawl: %w", err)
		}
		counters, err := r.Client.Counters(ctx, job)
		return statsOf(status, counters), err
	}
	return Stats{}, fmt.Errorf("trawl: job %q finished at %s: %w: its results are in %s; to crawl it again, set Config.Restart, or choose another name",
		job, r.Ended.Format(time.RFC3339), queue.ErrJobEnded, filepath.Join(c.Out, job))
}

// words are the names of the settings in error messages.
var words = localcrawl.Words{
	Out: "Config.Out", Restart: "Config.Restart", Job: "Job.Name", Redis: "Config.Redis",
	Budget: "Config.RedisBudget", Spill: "Config.Spill",
	Again: "the same call resumes the crawl",
}

// runner returns the configuration for crawling a job.
func (c Config) runner(job Job, sets map[string]*Handlers, lost *failures) localcrawl.Config {
	fetching, _ := c.fetching() // validate has returned the error
	cfg := localcrawl.Config{
		Own: c.private(),
		Job: job, Restart: c.Restart, Redis: c.Redis, Folder: filepath.Join(c.Out, job.Name),
		Out:   localcrawl.Out{OutletConfig: fleet.OutletConfig{Where: c.Out}, PerJob: true},
		Fetch: fetching, Concurrency: c.Concurrency, Browser: c.Browser, Spill: c.spill(),
		Name: c.Name, Process: cmp.Or(c.Name, fleet.WorkerName()),
		HandlerTime: c.HandlerTime, HandlerPlaces: c.HandlerPlaces, Grace: c.Grace,
		KeepPause: c.keepPause,
		Words:     words, Log: c.Log,
		Hear: localcrawl.Hear{
			Visit:   func(queue.Report) {},
			Waits:   func(why error) { c.logWaits(job.Name, why) },
			Rests:   func(crawler.Host, string, time.Duration) {}, // visits log it
			LeftOut: func(why error) { c.Log.Warn("a seed is skipped", "job", job.Name, "error", why) },
			Failed:  lost.note,
			Aside:   func(folder string) { c.Log.Info("moved earlier results", "job", job.Name, "folder", folder) },
		},
	}
	if len(sets) > 0 {
		cfg.Handlers = func(client *tasks.Client) fleet.Handlers {
			return &brought{sets: sets, client: client, log: c.Log}
		}
	}
	return cfg
}

// logWaits logs that pages cannot be kept now, or that they can be kept again.
func (c Config) logWaits(job string, why error) {
	if why == nil {
		c.Log.Info("pages can be kept again: the crawl continues", "job", job)
		return
	}
	c.Log.Error("pages cannot be kept: the crawl waits, and continues by itself when this is fixed", "job", job,
		"error", why)
}

// checkCrawl validates the job and the configuration before anything is created or started.
func (c Config) checkCrawl(job Job, b *brought) error {
	if err := c.validate(); err != nil {
		return err
	}
	if output.IsBucket(c.Out) {
		return fmt.Errorf("trawl: Config.Out: %q is a bucket: Crawl keeps its state next to the results, so name a folder", c.Out)
	}
	if err := validate(job); err != nil {
		return fmt.Errorf("trawl: job %q: %w", job.Name, err)
	}
	seeds, err := rules.SeedEntries(job)
	switch {
	case err != nil:
		return fmt.Errorf("trawl: job %s: %w", job.Name, err)
	case len(seeds) == 0:
		return fmt.Errorf("trawl: job %s has no seeds", job.Name)
	case job.Schedule != "":
		return fmt.Errorf("trawl: job %s has a schedule: create it on a fleet, whose schedulers start its runs",
			job.Name)
	}
	if err := b.lacking(job); err != nil {
		return fmt.Errorf("trawl: %w", err)
	}
	return nil
}
