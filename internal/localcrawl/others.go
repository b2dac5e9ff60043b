package localcrawl

import (
	"context"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// others is what the other workers of a Redis may do for the job. The zero value is for a
// Redis without other workers.
type others struct {
	origin queue.Origin
	opened queue.Opened
	lent   map[crawler.Host]bool // hosts of a list that were opened for them
}

// forOthers returns what other workers may do for the job. Hosts and networks that the
// operator opened by naming them are opened for other workers too, for this job. They may
// do nothing if their pages would differ or be lost: other workers do not have what only
// this process has (Config.Own), and cannot write to a sink of this process.
func (r *Runner) forOthers() others {
	if r.Redis.Private {
		return others{}
	}
	with := others{
		origin: queue.Origin{Opens: true},
		opened: queue.Opened{Hosts: r.homes, Networks: r.cfg.Fetch.AllowCIDR, Private: r.cfg.Fetch.AllowPrivate},
		lent:   make(map[crawler.Host]bool),
	}
	if r.cfg.Own || r.cfg.Out.Sink != nil || slices.ContainsFunc(r.homes, isMetadata) {
		with.origin.Owner = r.cfg.Process
	}
	return with
}

// isMetadata reports whether a host is written as the address of a cloud's metadata
// service, which is never opened for others.
func isMetadata(h crawler.Host) bool {
	address, ok := h.Address()
	return ok && guard.IsMetadata(address)
}

// create creates the job. Everything is opened for it before any worker can see it.
func (r *Runner) create(ctx context.Context) error {
	if err := r.store().OpenPorts(ctx, r.cfg.Job.Name, queue.Ports(r.homes)); err != nil {
		return err
	}
	if r.with.origin.Opens {
		if err := r.store().OpenHosts(ctx, r.cfg.Job.Name, r.with.opened); err != nil {
			return err
		}
	}
	return r.store().CreateFrom(ctx, r.cfg.Job, r.with.origin)
}

// renew opens everything for a job that continues. Workers that serve it already read its
// scope when they began, so the hosts of new seeds are added as well.
func (r *Runner) renew(ctx context.Context) error {
	name := r.cfg.Job.Name
	if err := r.store().OpenPorts(ctx, name, queue.Ports(r.homes)); err != nil {
		return err
	}
	if !r.with.origin.Opens {
		return nil
	}
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

// letGoTerm is how long workers may take to give up a job that they may no longer serve.
const letGoTerm = 2 * time.Second

// lend opens the host of a seed from a list for the other workers. If the seed has a login,
// which they do not have, it takes the job from them.
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
		err = r.store().OpenHosts(ctx, name, queue.Opened{Hosts: []crawler.Host{h}})
	}
	if err != nil && ctx.Err() == nil {
		r.fail(err)
	}
}

// ownPlace is this process's name among the places of the job's pages, if its files are not
// named after it. No worker can have this name, because it is not a valid file name.
const ownPlace = "trawl crawl/"

// reportTerm is how long to wait at the end for the reports of other workers.
const reportTerm = 2 * time.Second

// elsewhere returns where other workers keep pages of the job. pages is the total to
// expect.
func (r *Runner) elsewhere(ctx context.Context, pages int64) []queue.Kept {
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
			return slices.DeleteFunc(all, func(k queue.Kept) bool { return r.keeps(k) || k.Pages == 0 })
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
		}
	}
}

// keeps reports whether pages are where this process keeps its own.
func (r *Runner) keeps(k queue.Kept) bool {
	return k.Worker == ownPlace || k.Machine == fleet.HostName() && k.Where == r.outlet.Where(r.beneath())
}
