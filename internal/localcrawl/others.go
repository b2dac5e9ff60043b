package localcrawl

import (
	"context"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// others is what the other workers of a Redis may do for the job. The zero value is for a
// Redis without other workers.
type others struct {
	origin crawler.Origin
	opened crawler.Opened
	lent   map[crawler.Host]bool // hosts of a list that were opened for them
}

// forOthers says what other workers may do for the job: whatever the operator opened by naming
// hosts and networks travels with it, and they may connect there for it. They may do nothing
// where pages would differ, or be lost, if they fetched them: what only this process has
// (Config.Own) does not travel, and neither do results that go to a sink of this process.
func (r *Runner) forOthers() others {
	if r.Redis.Private {
		return others{}
	}
	with := others{
		origin: crawler.Origin{Opens: true},
		opened: crawler.Opened{Hosts: r.homes, Networks: r.cfg.Fetch.AllowCIDR, Private: r.cfg.Fetch.AllowPrivate},
		lent:   make(map[crawler.Host]bool),
	}
	if r.cfg.Own || r.cfg.Out.Sink != nil || slices.ContainsFunc(r.homes, isMetadata) {
		with.origin.Owner = r.cfg.Process
	}
	return with
}

// isMetadata reports whether a host is written as the address of a cloud's metadata service,
// which is never opened for others.
func isMetadata(h crawler.Host) bool {
	address, ok := h.Address()
	return ok && fetch.IsMetadata(address)
}

// create creates the job. What was opened for it is there before any worker can see it.
func (r *Runner) create(ctx context.Context) error {
	if r.with.origin.Opens {
		if err := r.store().OpenHosts(ctx, r.cfg.Job.Name, r.with.opened); err != nil {
			return err
		}
	}
	return r.store().CreateFrom(ctx, r.cfg.Job, r.with.origin)
}

// renew opens the same for a job that goes on. Workers that have it know its scope from when
// they took it up, so the hosts of new seeds are told besides.
func (r *Runner) renew(ctx context.Context) error {
	if !r.with.origin.Opens {
		return nil
	}
	name := r.cfg.Job.Name
	if err := r.store().OpenHosts(ctx, name, r.with.opened); err != nil {
		return err
	}
	if len(r.homes) > 0 {
		if err := r.store().AddHomes(ctx, name, r.homes); err != nil {
			return err
		}
	}
	return r.store().SetOrigin(ctx, name, r.with.origin)
}

// letGoTerm is after how long all workers have let go of a job that they may not serve any more.
const letGoTerm = 2 * time.Second

// lend opens the host of a seed of a list for the other workers, and takes the job from them when
// the seed has a login, which they do not have.
func (r *Runner) lend(ctx context.Context, s Seed) {
	if !r.with.origin.Opens || r.with.origin.Owner != "" {
		return
	}
	name, h := r.cfg.Job.Name, s.URL.Host()
	var err error
	switch {
	case !s.Login.IsZero() || isMetadata(h):
		r.with.origin.Owner = r.cfg.Process
		err = r.store().SetOrigin(ctx, name, r.with.origin)
		select {
		case <-time.After(letGoTerm):
		case <-ctx.Done():
		}
	case !r.with.lent[h]:
		r.with.lent[h] = true
		err = r.store().OpenHosts(ctx, name, crawler.Opened{Hosts: []crawler.Host{h}})
	}
	if err != nil && ctx.Err() == nil {
		r.fail(err)
	}
}

// ownPlace is the place of this process's pages among those of the job, where it names no files
// after itself: no worker has such a name, which would not do for a file.
const ownPlace = "trawl crawl/"

// reportTerm is for how long the reports of other workers are waited for at the end.
const reportTerm = 2 * time.Second

// elsewhere returns where other workers keep pages of the job, of which it has so many.
func (r *Runner) elsewhere(ctx context.Context, pages int64) []crawler.Kept {
	if !r.with.origin.Opens {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTerm)
	defer cancel()
	for {
		all, err := r.store().Places(ctx, r.cfg.Job.Name)
		told := int64(0)
		for _, k := range all {
			told += k.Pages
		}
		if err != nil || told >= pages || ctx.Err() != nil {
			return slices.DeleteFunc(all, func(k crawler.Kept) bool { return r.keeps(k) || k.Pages == 0 })
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
		}
	}
}

// keeps reports whether pages lie where this process keeps its own.
func (r *Runner) keeps(k crawler.Kept) bool {
	return k.Worker == ownPlace || k.Machine == fleet.HostName() && k.Where == r.outlet.Where(r.beneath())
}
