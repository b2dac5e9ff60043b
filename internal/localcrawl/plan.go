package localcrawl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Plan is what to do with the job.
type Plan string

// The plans, as words that come before the name of the job.
const (
	PlanNew  Plan = "crawling"
	PlanOn   Plan = "going on with"
	PlanDone Plan = "done" // nothing to do
)

// startOver forgets an earlier crawl and sets its results aside, if Restart is set.
func (r *Runner) startOver(ctx context.Context) error {
	if !r.cfg.Restart {
		return nil
	}
	if err := r.forget(ctx); err != nil {
		return fmt.Errorf("forget the earlier crawl: %w", err)
	}
	r.earlier = nil
	if r.folder == nil {
		return nil
	}
	aside, err := fleet.SetAside(r.cfg.Folder, time.Now())
	if err == nil && aside != "" {
		r.cfg.Hear.Aside(aside)
	}
	return errors.Join(err, r.folder.forget())
}

// forget removes the job. A private Redis is emptied, because it holds only this job and
// the jobs created by its handlers.
func (r *Runner) forget(ctx context.Context) error {
	name := r.cfg.Job.Name
	if r.Redis.Private {
		return r.Redis.Client.FlushAll(ctx).Err()
	}
	return r.remove(ctx, name)
}

// settle decides whether the crawl is new, continues, or is done, and makes the job ready
// to run.
func (r *Runner) settle(ctx context.Context) error {
	job := r.cfg.Job
	if r.earlier != nil && r.earlier.Job != job.Name {
		return refuse("%q holds the results of job %q: choose another folder with %s, or %s to set them aside",
			r.cfg.Folder, r.earlier.Job, r.cfg.Words.Out, r.cfg.Words.Restart)
	}
	r.with = r.forOthers()
	status, err := r.store().Status(ctx, job.Name)
	switch {
	case errors.Is(err, queue.ErrNoJob):
		return r.begin(ctx)
	case err != nil:
		return err
	case r.earlier == nil && !r.Redis.Private:
		return refuse("%s has a job %q already (%w), and its results are not in %q: name their folder with %s, another job with %s, or %s to start over",
			r.Redis.Kind, job.Name, queue.ErrJobExists, r.cfg.Folder, r.cfg.Words.Out, r.cfg.Words.Job,
			r.cfg.Words.Restart)
	case status.State == crawler.StateCancelled:
		return refuse("job %q is cancelled: %w, and cannot go on: choose another name with %s, or %s to start over",
			job.Name, queue.ErrJobEnded, r.cfg.Words.Job, r.cfg.Words.Restart)
	}
	was := status.Job
	more := grown(was.Seeds, job.Seeds)
	if more {
		was.Seeds = job.Seeds
	}
	if err := r.sameCrawl(was); err != nil {
		return err
	}
	if status.State == crawler.StateDone && job.Follow && !extends(job.BudgetSettings, status) && !more {
		return r.done(ctx, status)
	}
	return r.goOn(ctx, status)
}

// goOn continues a job with its current settings.
func (r *Runner) goOn(ctx context.Context, status crawler.Status) error {
	job := r.cfg.Job
	if err := r.store().Change(ctx, job); err != nil {
		return err
	}
	if err := r.renew(ctx); err != nil {
		return err
	}
	if err := r.store().Seeded(ctx, job.Name, false); err != nil { // there may be more seeds
		return err
	}
	if _, err := r.store().Move(ctx, job.Name, crawler.StateRunning, "", status.State); err != nil {
		return err
	}
	r.Plan = PlanOn
	return r.abandon(ctx)
}

// done records that there is nothing to do. It also completes what a process that was
// killed after the job's end left unfinished.
func (r *Runner) done(ctx context.Context, status crawler.Status) error {
	r.Plan, r.Ended = PlanDone, status.Ended
	if r.folder == nil || r.earlier != nil && r.earlier.State == string(crawler.StateDone) {
		return nil
	}
	counters, err := r.Client.Counters(ctx, r.cfg.Job.Name)
	if err != nil {
		return err
	}
	r.Finished = true // opening the outlet finished its files
	return r.folder.write(r.note(status, counters, r.elsewhere(ctx, counters.Pages())))
}

// begin creates the job, unless the folder's crawl is in another Redis.
func (r *Runner) begin(ctx context.Context) error {
	if r.earlier != nil {
		return r.ofElsewhere(*r.earlier)
	}
	if err := r.create(ctx); err != nil {
		return err
	}
	_, err := r.store().Move(ctx, r.cfg.Job.Name, crawler.StateRunning, "", crawler.StateCreated)
	r.Plan = PlanNew
	return err
}

// ofElsewhere decides about a crawl that the current Redis does not have.
func (r *Runner) ofElsewhere(was Note) error {
	ended := was.State == string(crawler.StateDone)
	if ended {
		if err := r.sameCrawl(was.Settings); err != nil {
			return err
		}
	}
	switch {
	case ended && r.cfg.Job.Follow:
		r.Plan, r.Ended = PlanDone, was.Ended
		return nil
	case ended:
		return refuse("the list fetched into %q is done, and what was fetched %s, so that it cannot grow: choose another folder with %s, or %s",
			r.cfg.Folder, r.formerRedis(was.Backend), r.cfg.Words.Out, r.cfg.Words.Restart)
	}
	return refuse("the crawl in %q was interrupted, and what it still had to do %s: %s sets its pages aside and starts over",
		r.cfg.Folder, r.formerRedis(was.Backend), r.cfg.Words.Restart)
}

// formerRedis says where the frontier of an earlier crawl is, if it is not in the current
// Redis.
func (r *Runner) formerRedis(was string) string {
	switch {
	case was == InMemory:
		return "was in memory and is gone"
	case was == InPrivate && r.Redis.Private && r.Redis.Durable:
		return "is lost from its private redis-server"
	case was == InBuiltin && r.Redis.Private:
		return "is lost from its built-in Redis"
	case was == InBuiltin:
		return fmt.Sprintf("lies with its built-in Redis (leave out %s)", r.cfg.Words.Redis)
	case was == InPrivate:
		return fmt.Sprintf("lies with its private redis-server (install redis-server, and leave out %s)",
			r.cfg.Words.Redis)
	}
	return fmt.Sprintf("lies in %s (name it with %s)", was, r.cfg.Words.Redis)
}

// note returns the note for the folder.
func (r *Runner) note(status crawler.Status, c crawler.Counters, elsewhere []queue.Kept) Note {
	where := InMemory
	switch {
	case !r.Redis.Private:
		where = r.Redis.Endpoint.String()
	case r.Redis.Durable && r.Redis.Builtin:
		where = InBuiltin
	case r.Redis.Durable:
		where = InPrivate
	}
	return Note{
		Out: r.bucket(), Job: r.cfg.Job.Name, State: string(status.State), Reason: status.Reason, Backend: where,
		Pages: c.Pages(), Settled: c.Recorded(), Ended: status.Ended, Elsewhere: elsewhere, Settings: r.cfg.Job,
	}
}

// extends reports whether a job has a larger budget now than the one that ended it.
func extends(now crawler.BudgetSettings, was crawler.Status) bool {
	more := func(now, then int64) bool { return then > 0 && (now == 0 || now > then) }
	switch was.Reason {
	case "budget of pages":
		return more(now.Pages, was.Job.Pages)
	case "budget of bytes":
		return more(int64(now.Bytes), int64(was.Job.Bytes))
	case "budget of items":
		return more(now.Items, was.Job.Items)
	case "budget of time":
		return more(int64(now.Time), int64(was.Job.Time))
	}
	return false
}

// grown reports whether now has all seeds in was, and more.
func grown(was, now []string) bool {
	missing := func(seed string) bool { return !slices.Contains(now, seed) }
	return len(now) > len(was) && !slices.ContainsFunc(was, missing)
}

// sameCrawl refuses settings that would turn an earlier crawl into another one.
func (r *Runner) sameCrawl(was crawler.Job) error {
	changed := different(was, r.cfg.Job)
	if len(changed) == 0 {
		return nil
	}
	return refuse("the crawl in %q was begun with another %s: use the same, choose another folder with %s, or %s to start over",
		r.cfg.Folder, strings.Join(changed, ", "), r.cfg.Words.Out, r.cfg.Words.Restart)
}

// different returns the settings that define a crawl and differ. All other settings may
// change from one run to the next.
func different(was, now crawler.Job) []string {
	var names []string
	for _, field := range []struct {
		name     string
		was, now any
	}{
		{"seeds", was.Seeds, now.Seeds}, {"scope", was.Scope, now.Scope},
		{"check", was.Checks(), now.Checks()},
		// "" in old versions.
		{"seed_redirects", cmp.Or(was.SeedRedirects, crawler.SeedRedirectsFollow), now.SeedRedirects},
		{"include", was.Include, now.Include}, {"exclude", was.Exclude, now.Exclude},
		{"depth", was.Depth, now.Depth}, {"follow", was.Follow, now.Follow},
		{"resources", was.Resources, now.Resources}, {"resource_scope", was.ResourceScope, now.ResourceScope},
		{"format", was.Format, now.Format}, {"select", was.Select, now.Select},
		{"extract", was.Extract, now.Extract}, {"follow_rules", was.FollowRules, now.FollowRules},
		{"pages_per_host", was.PagesPerHost, now.PagesPerHost},
		{"pages_per_domain", was.PagesPerDomain, now.PagesPerDomain},
		// A program may change them.
		{"handlers", len(was.Handlers) > 0, len(was.Handlers) > 0 && len(now.Handlers) > 0},
	} {
		if fmt.Sprint(field.was) != fmt.Sprint(field.now) {
			names = append(names, field.name)
		}
	}
	return names
}
