package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
	"github.com/trawlcrawler/trawl/tasks"
)

// fleetGlance is a fleet at a point in time, as trawl top --json shows it.
type fleetGlance struct {
	At         time.Time        `json:"at"`
	Jobs       []jobGlance      `json:"jobs"` // those that have not ended, and the last ones that have
	Total      int              `json:"total"`
	Workers    []waiting.Member `json:"workers"`
	Schedulers []waiting.Member `json:"schedulers"`
	Redis      redisGlance      `json:"redis"`
}

// redisGlance is what Redis reports about itself. Numbers that it does not report are zero.
type redisGlance struct {
	Version           string `json:"version"`
	Servers           int    `json:"servers"`
	Memory            int64  `json:"memory"`     // bytes in use
	MaxMemory         int64  `json:"max_memory"` // bytes; 0: no limit
	CommandsPerSecond int64  `json:"commands_per_second"`
}

// jobGlance is a job at a point in time, as trawl top --json and trawl job watch --json show it.
type jobGlance struct {
	At             time.Time          `json:"at"`
	Name           string             `json:"name"`
	State          crawler.State      `json:"state"`
	Reason         string             `json:"reason"`
	Waits          string             `json:"waits,omitempty"`
	WaitsFor       waiting.WaitReason `json:"waits_for,omitempty"`
	PagesPerSecond float64            `json:"pages_per_second"`
	BytesPerSecond float64            `json:"bytes_per_second"`
	Left           string             `json:"left,omitempty"` // how long it still takes, in words
	Counters       crawler.Counters   `json:"counters"`
	Troubles       []crawler.Trouble  `json:"troubles,omitempty"`

	view   jobView
	status crawler.Status
}

// How much is read for one glance.
const (
	shownEnded   = 20  // jobs that have ended
	shownRunning = 200 // jobs that have not
	glanceReads  = 8   // jobs that are read at once
	paceSeconds  = 30  // over which the speed of a job is measured
)

// glanceAtFleet reads the fleet.
func glanceAtFleet(ctx context.Context, c *tasks.Client) (f fleetGlance, err error) {
	all, err := c.Jobs(ctx)
	if err != nil {
		return f, err
	}
	f.At, f.Total = time.Now(), len(all)
	chosen := glanced(all)
	jobs := make([]*jobGlance, len(chosen))
	var members []waiting.Member
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(glanceReads)
	for i, status := range chosen {
		group.Go(func() error {
			j, err := glanceAtJob(ctx, c, status)
			if errors.Is(err, queue.ErrNoJob) {
				return nil // removed in the meantime
			}
			jobs[i] = &j
			return err
		})
	}
	group.Go(func() (err error) { members, err = c.Members(ctx); return err })
	group.Go(func() error {
		v, err := c.Vitals(ctx)
		f.Redis = redisGlance{v.Version, v.Servers, v.Memory, v.MaxMemory, v.CommandsPerSecond}
		return err
	})
	if err := group.Wait(); err != nil {
		return f, err
	}
	f.Jobs, f.Workers, f.Schedulers = []jobGlance{}, []waiting.Member{}, []waiting.Member{}
	for _, j := range jobs {
		if j != nil {
			f.Jobs = append(f.Jobs, *j)
		}
	}
	for _, m := range members {
		if m.Kind == waiting.KindWorker {
			f.Workers = append(f.Workers, m)
		} else {
			f.Schedulers = append(f.Schedulers, m)
		}
	}
	return f, nil
}

// glanced returns the jobs that a glance is about: those that have not ended, and the last
// ones that have.
func glanced(all []crawler.Status) (chosen []crawler.Status) {
	var ended []crawler.Status
	for _, s := range all {
		if s.State.Ended() {
			ended = append(ended, s)
		} else if len(chosen) < shownRunning {
			chosen = append(chosen, s)
		}
	}
	slices.SortStableFunc(ended, func(a, b crawler.Status) int { return b.Ended.Compare(a.Ended) })
	return append(chosen, ended[:min(len(ended), shownEnded)]...)
}

// glanceAtJob reads a job, whose status was just read.
func glanceAtJob(ctx context.Context, c *tasks.Client, status crawler.Status) (j jobGlance, err error) {
	v, err := view(ctx, c, status)
	if err != nil {
		return j, err
	}
	if v.Periodic, err = c.Periodic(ctx, status, nil); err != nil {
		return j, err
	}
	j = jobGlance{At: time.Now(), Name: v.Name, State: v.State, Reason: v.Reason, Waits: v.Waits, WaitsFor: v.WaitsFor,
		Counters: v.Counters, Troubles: v.Troubles, view: v, status: status}
	if v.State != crawler.StateRunning {
		return j, nil
	}
	samples, err := c.Recent(ctx, v.Name, paceSeconds)
	if err != nil || len(samples) < 2 || status.Now.Sub(samples[len(samples)-1].At) > paceSeconds*time.Second/3 {
		return j, err // no scheduler has run it for some seconds
	}
	pace := forecast.PaceOf(samples)
	j.PagesPerSecond, j.BytesPerSecond = pace.Pages, pace.Bytes
	if v.Waits == "" {
		j.Left = forecast.Left(status, v.Counters, forecast.EstimateOf(status, v.Counters, samples, nil))
	}
	return j, nil
}

// says returns what a list says about the job besides numbers.
func (j jobGlance) says() string { return cmp.Or(j.view.remark(), j.Left) }

// running counts the jobs that run.
func (f fleetGlance) running() (n int) {
	for _, j := range f.Jobs {
		if j.State == crawler.StateRunning {
			n++
		}
	}
	return n
}

// rate returns how many pages per second all jobs fetch.
func (f fleetGlance) rate() (sum float64) {
	for _, j := range f.Jobs {
		sum += j.PagesPerSecond
	}
	return sum
}

// places returns how many visits the workers carry out, and how many they can.
func (f fleetGlance) places() (taken, all int) {
	for _, w := range f.Workers {
		taken, all = taken+w.Taken, all+w.Places
	}
	return taken, all
}

// dossier is a job with everything that its page shows.
type dossier struct {
	jobGlance
	hosts []crawler.HostStatus // those with the most waiting URLs first
}

// readHosts is the number of hosts that are read to find those with the most waiting URLs: the
// first ones whose turn it is.
const readHosts = 200

// dossierOf reads a job.
func dossierOf(ctx context.Context, c *tasks.Client, name string) (o dossier, err error) {
	status, err := c.Status(ctx, name)
	if err != nil {
		return o, err
	}
	group, reading := errgroup.WithContext(ctx)
	var failures, garbage []string
	group.Go(func() (err error) { o.jobGlance, err = glanceAtJob(reading, c, status); return err })
	group.Go(func() (err error) { o.hosts, err = c.Hosts(reading, name, readHosts); return err })
	group.Go(func() (err error) { failures, err = c.Failures(reading, name); return err })
	group.Go(func() (err error) { garbage, err = c.Garbage(reading, name); return err })
	if err := group.Wait(); err != nil {
		return o, err
	}
	o.view.Failures, o.view.Garbage = failures, garbage
	use, err := c.Use(ctx, status, o.Counters)
	if len(use.Shares) > 0 {
		o.view.Use = &use
	}
	slices.SortStableFunc(o.hosts, func(a, b crawler.HostStatus) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.Host, b.Host))
	})
	return o, err
}
