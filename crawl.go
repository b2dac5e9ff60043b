package trawl

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// Crawl carries out a job to its end and returns its numbers. The program is a whole
// fleet, scheduler and worker, over a Redis that cfg names or one of its own; on a
// Redis that is shared, others may join ([Work], trawl worker). A job that names no
// handlers gets all that are given.
//
// When ctx ends, what is under way is finished and the error of ctx returned. The same
// call goes on with a job that was interrupted, unless its Redis was the built-in one.
// Of a job that is done, the error wraps [crawler.ErrJobEnded]: begin it anew with
// Config.Restart, or name another. Over a Redis of its own, Crawl ends when the jobs
// have ended that handlers created, too.
func Crawl(ctx context.Context, job Job, cfg Config, handlers ...*Handlers) (_ Counters, err error) {
	c := crawl{cfg: cfg.withDefaults(), job: job}
	sets, err := gather(handlers)
	if err != nil {
		return Counters{}, fmt.Errorf("trawl: %w", err)
	}
	if len(job.Handlers) == 0 {
		for _, h := range handlers {
			c.job.Handlers = append(c.job.Handlers, h.name)
		}
	}
	if err := c.check(&brought{sets: sets}); err != nil {
		return Counters{}, err
	}
	if c.process, err = c.cfg.process(ctx, job.Name, sets); err != nil {
		return Counters{}, err
	}
	defer func() { err = errors.Join(err, c.process.close()) }()
	if err := c.begin(ctx); err != nil {
		return Counters{}, err
	}
	if err := c.run(ctx); err != nil {
		return Counters{}, err
	}
	return c.brought.client.Counters(ctx, job.Name)
}

// crawl is one call of Crawl.
type crawl struct {
	*process
	cfg   Config
	job   Job
	homes []crawler.Host // of the seeds
}

// check refuses what can not be crawled, before anything is made or started.
func (c *crawl) check(b *brought) error {
	if err := c.cfg.validate(); err != nil {
		return err
	}
	if output.IsBucket(c.cfg.Out) {
		return fmt.Errorf("trawl: Config.Out: %q is a bucket: Crawl keeps its state beside the results, so name a folder", c.cfg.Out)
	}
	if err := c.job.Validate(); err != nil {
		return fmt.Errorf("trawl: job %q: %w", c.job.Name, err)
	}
	seeds, err := c.job.SeedEntries()
	switch {
	case err != nil:
		return fmt.Errorf("trawl: job %s: %w", c.job.Name, err)
	case len(seeds) == 0:
		return fmt.Errorf("trawl: job %s has no seeds", c.job.Name)
	case c.job.Schedule != "":
		return fmt.Errorf("trawl: job %s has a schedule: create it on a fleet, whose schedulers begin its runs", c.job.Name)
	}
	for _, e := range seeds {
		c.homes = append(c.homes, e.URL.Host())
	}
	if err := b.lacking(c.job); err != nil {
		return fmt.Errorf("trawl: %w", err)
	}
	return nil
}

// begin creates the job, or finds it where it was interrupted.
func (c *crawl) begin(ctx context.Context) error {
	status, err := c.brought.client.Status(ctx, c.job.Name)
	if err == nil && c.cfg.Restart {
		if err = c.forget(ctx, status); err == nil {
			err = c.create(ctx)
		}
		return err
	}
	switch {
	case errors.Is(err, crawler.ErrNoJob):
		return c.create(ctx)
	case err != nil:
		return err
	case status.State.Ended():
		return fmt.Errorf("trawl: job %q is %s: %w: its results are in %s; begin it anew with Config.Restart, or name another",
			c.job.Name, status.State, crawler.ErrJobEnded, filepath.Join(c.cfg.Out, c.job.Name))
	}
	if err := c.door.Store.Change(ctx, c.job); err != nil {
		return err
	}
	if err := c.lend(ctx); err != nil {
		return err
	}
	if err := c.bringSeeds(ctx); err != nil {
		return err
	}
	if c.back.Private { // whoever visited died with the process before
		return c.door.Store.Frontier(c.job).Abandon(ctx)
	}
	return nil
}

// bringSeeds admits the seeds of a job that goes on: there may be more of them than when
// it was interrupted. Those that it knows are not fetched again.
func (c *crawl) bringSeeds(ctx context.Context) error {
	urls := func(yield func(string, error) bool) {
		for _, seed := range c.job.Seeds {
			if !yield(seed, nil) {
				return
			}
		}
	}
	_, err := c.brought.client.Seed(ctx, c.job.Name, urls, nil)
	return err
}

// create creates the job. What the program opened by naming seeds and networks is open
// to the other workers of a shared Redis, too, for this job alone.
func (c *crawl) create(ctx context.Context) error {
	return c.brought.client.CreateFrom(ctx, c.job, c.origin(), c.opened())
}

func (c *crawl) origin() crawler.Origin { return crawler.Origin{Opens: !c.back.Private} }

func (c *crawl) opened() crawler.Opened {
	return crawler.Opened{Hosts: c.homes, Networks: c.cfg.AllowCIDR, Private: c.cfg.AllowPrivate}
}

// lend opens the same to a job that goes on.
func (c *crawl) lend(ctx context.Context) error {
	if c.back.Private {
		return nil
	}
	if err := c.door.Store.OpenHosts(ctx, c.job.Name, c.opened()); err != nil {
		return err
	}
	return c.door.Store.SetOrigin(ctx, c.job.Name, c.origin())
}

// forget removes a job, and sets its results aside. A Redis of its own has nothing
// but it, and the jobs that it led to.
func (c *crawl) forget(ctx context.Context, status crawler.Status) error {
	var err error
	switch {
	case c.back.Private:
		err = c.back.Client.FlushAll(ctx).Err()
	case !status.State.Ended():
		if err = c.brought.client.Cancel(ctx, c.job.Name); err != nil {
			return err
		}
		fallthrough
	default:
		err = c.brought.client.Remove(ctx, c.job.Name)
	}
	if err != nil {
		return fmt.Errorf("trawl: forget the earlier job: %w", err)
	}
	_, err = fleet.SetAside(filepath.Join(c.cfg.Out, c.job.Name), time.Now())
	return err
}

// run schedules and works until the job has ended.
func (c *crawl) run(ctx context.Context) error {
	cfg := c.cfg
	if !c.back.Private {
		cfg.Jobs = []string{c.job.Name}
	} else if cfg.Name == "" {
		cfg.Name = fleet.HostName() // alone: what an earlier process left open is ours
	}
	w, err := cfg.worker(ctx, c.process)
	if err != nil {
		return err
	}
	for _, h := range c.homes {
		w.Allow(h)
	}
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := fleet.RunScheduler(working, c.door); err != nil {
			stop(err)
		}
	})
	parts.Go(func() { c.process.run(working, w) })
	parts.Go(func() { c.watch(working, stop) })
	err = c.wait(working)
	stop(errDone)
	parts.Wait()
	if cause := context.Cause(working); err != nil && ctx.Err() == nil && !errors.Is(cause, errDone) {
		return fmt.Errorf("trawl: %w", cause)
	}
	return err
}

// errDone ends the parts of a crawl that is done.
var errDone = errors.New("the crawl is done")

// watch ends the crawl when the private Redis ended by itself.
func (c *crawl) watch(ctx context.Context, stop context.CancelCauseFunc) {
	select {
	case <-c.back.Lost:
		stop(errors.New("the private redis-server ended by itself; the same program goes on where it stopped"))
	case <-ctx.Done():
	}
}

// wait waits for the job, and for those that it led to where nobody else does them.
func (c *crawl) wait(ctx context.Context) error {
	status, err := c.brought.client.Wait(ctx, c.job.Name)
	if err != nil {
		return err
	}
	for c.back.Private {
		all, err := c.brought.client.Jobs(ctx)
		if err != nil {
			return err
		}
		next := slices.IndexFunc(all, func(s crawler.Status) bool { return !s.State.Ended() && s.Job.Schedule == "" })
		if next < 0 {
			break
		}
		if err := c.brought.lacking(all[next].Job); err != nil {
			return fmt.Errorf("trawl: %w", err)
		}
		if _, err := c.brought.client.Wait(ctx, all[next].Job.Name); err != nil {
			return err
		}
	}
	if status.State != crawler.StateDone {
		return fmt.Errorf("trawl: job %s is %s: %s", c.job.Name, status.State, status.Reason)
	}
	return nil
}
