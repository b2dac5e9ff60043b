package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/tasks"
)

// plan is what a command is to do with the crawl of its name.
type plan string

const (
	planNew  plan = "crawling"
	planOn   plan = "going on with"
	planDone plan = "done"
)

// settle finds out whether the crawl is new, goes on, or is done, and makes the
// job ready to run. A crawl that is done is not silently repeated, and the
// results of two are never mixed.
func settle(ctx context.Context, s settings, earlier *note, back *fleet.Backing, store *frontier.Store, with beside) (plan, error) {
	if earlier != nil && earlier.Job != s.Name {
		return "", usage("%q holds the results of job %q: choose another folder with --out, or --restart to set them aside", s.Out, earlier.Job)
	}
	status, err := store.Status(ctx, s.Name)
	switch {
	case errors.Is(err, crawler.ErrNoJob):
		return settleNew(ctx, s, earlier, back, store, with)
	case err != nil:
		return "", failed("%v", err)
	case earlier == nil && !back.Private:
		return "", usage("%s has a job %q already, and its results are not in %q: name their folder with --out, another job with --job, or --restart to begin anew",
			back.Kind, s.Name, s.Out)
	}
	was := status.Job
	more := grown(was.Seeds, s.Seeds)
	if more {
		was.Seeds = s.Seeds
	}
	if err := sameCrawl(s, was); err != nil {
		return "", err
	}
	if status.State == crawler.StateDone && s.Follow && !extends(s.Job, status) && !more {
		sayDone(s, status.Ended)
		return planDone, nil
	}
	if err := store.Change(ctx, s.Job); err != nil {
		return "", failed("%v", err)
	}
	if err := with.renew(ctx, store, s.Job); err != nil {
		return "", failed("%v", err)
	}
	if err := store.Seeded(ctx, s.Name, false); err != nil { // the list may have grown
		return "", failed("%v", err)
	}
	if _, err := store.Move(ctx, s.Name, crawler.StateRunning, "", status.State); err != nil {
		return "", failed("%v", err)
	}
	if back.Private { // whoever visited died with the command before
		if err := store.Frontier(s.Job).Abandon(ctx); err != nil {
			return "", failed("%v", err)
		}
	}
	return planOn, nil
}

// settleNew creates the job, if the folder holds no crawl that lies elsewhere.
func settleNew(ctx context.Context, s settings, earlier *note, back *fleet.Backing, store *frontier.Store, with beside) (plan, error) {
	if earlier != nil && earlier.State == string(crawler.StateDone) {
		if err := sameCrawl(s, earlier.Settings); err != nil {
			return "", err
		}
		if s.Follow {
			sayDone(s, earlier.Ended)
			return planDone, nil
		}
	}
	if earlier != nil && earlier.State == string(crawler.StateDone) {
		return "", usage("the list fetched into %q is done, and what was fetched %s, so that it can not grow: choose another folder with --out, or --restart",
			s.Out, whereabouts(earlier.Backing, back))
	}
	if earlier != nil {
		return "", usage("the crawl in %q was interrupted, and what it still had to do %s: --restart sets its pages aside and begins anew",
			s.Out, whereabouts(earlier.Backing, back))
	}
	if err := with.create(ctx, store, s.Job); err != nil {
		return "", failed("%v", err)
	}
	if _, err := store.Move(ctx, s.Name, crawler.StateRunning, "", crawler.StateCreated); err != nil {
		return "", failed("%v", err)
	}
	return planNew, nil
}

// whereabouts says where the frontier of an earlier crawl is, which the Redis at
// hand does not have.
func whereabouts(was string, now *fleet.Backing) string {
	switch {
	case was == inMemory:
		return "was in memory and is gone"
	case was == inPrivate && now.Private && now.Durable:
		return "is lost from its private redis-server"
	case was == inPrivate:
		return "lies with its private redis-server (install redis-server, and leave out --redis)"
	}
	return "lies in " + was + " (name it with --redis)"
}

func sayDone(s settings, ended time.Time) {
	fmt.Fprintf(stderr, "trawl: %s is done since %s; its results are in %s. To crawl it again: --restart\n",
		s.Name, ended.Local().Format(time.DateTime), s.Out)
}

// forget removes a job and its asynq queue.
func forget(ctx context.Context, name string, back *fleet.Backing, store *frontier.Store) error {
	queues := tasks.NewDispatcher(back.Endpoint, 0)
	defer queues.Close()
	if _, err := queues.Forget(name); err != nil {
		return failed("%v", err)
	}
	if err := store.Remove(ctx, name); err != nil && !errors.Is(err, crawler.ErrNoJob) {
		return failed("%v", err)
	}
	return nil
}

// extends reports whether the job asks for more than the budget that ended it.
func extends(job crawler.Job, was crawler.Status) bool {
	more := func(now, then int64) bool { return then > 0 && (now == 0 || now > then) }
	switch was.Reason {
	case "budget of pages":
		return more(job.Pages, was.Job.Pages)
	case "budget of bytes":
		return more(int64(job.Bytes), int64(was.Job.Bytes))
	case "budget of time":
		return more(int64(job.Time), int64(was.Job.Time))
	}
	return false
}

// grown reports whether seeds were added to those that a crawl was begun with.
func grown(was, now []string) bool {
	missing := func(seed string) bool { return !slices.Contains(now, seed) }
	return len(now) > len(was) && !slices.ContainsFunc(was, missing)
}

// sameCrawl refuses settings that would make another crawl of an earlier one.
func sameCrawl(s settings, was crawler.Job) error {
	changed := different(was, s.Job)
	if len(changed) == 0 {
		return nil
	}
	return usage("the crawl in %q was begun with another %s: use the same, choose another folder with --out, or --restart to begin anew",
		s.Out, strings.Join(changed, ", "))
}

// different names the settings that decide what belongs to a crawl and are not
// the same. The others may change from one run to the next.
func different(was, now crawler.Job) []string {
	var names []string
	for _, field := range []struct {
		name     string
		was, now any
	}{
		{"seeds", was.Seeds, now.Seeds}, {"scope", was.Scope, now.Scope},
		{"include", was.Include, now.Include}, {"exclude", was.Exclude, now.Exclude},
		{"depth", was.Depth, now.Depth}, {"follow", was.Follow, now.Follow},
		{"resources", was.Resources, now.Resources}, {"resource_scope", was.ResourceScope, now.ResourceScope},
		{"format", was.Format, now.Format}, {"select", was.Select, now.Select},
		{"extract", was.Extract, now.Extract}, {"follow_rules", was.FollowRules, now.FollowRules},
		{"pages_per_host", was.PagesPerHost, now.PagesPerHost},
	} {
		if fmt.Sprint(field.was) != fmt.Sprint(field.now) {
			names = append(names, field.name)
		}
	}
	return names
}
