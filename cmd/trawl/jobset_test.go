package main_test

import (
	"context"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// waitForPages waits until a job is done, and returns its number of pages.
func (ft *fleetTest) waitForPages(job string) int64 {
	ft.t.Helper()
	ft.waitForState(job, crawler.StateDone)
	numbers, err := ft.Client.Counters(ft.t.Context(), job)
	if err != nil {
		ft.t.Fatal(err)
	}
	return numbers.Pages()
}

func TestAJobContinuesWhenItsBudgetIsRaised(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 10, LinksPerPage: 3}
	site := g.Serve(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Workers(2)
	job := jobOf(t, g, site)
	job.Pages = 5
	ft.Create(job)
	if n := ft.waitForPages(job.Name); n != 5 {
		t.Fatalf("%d pages were fetched, want 5", n)
	}
	ft.run("job", "resume", job.Name).exits(usage, "budget of pages is spent", "trawl job set "+job.Name+" pages=")
	ft.run("job", "set", job.Name, "pages=4").exits(done, "pages: 4, was 5", "stays done")
	ft.run("job", "set", job.Name, "pages=12").exits(done, "pages: 12, was 4", "continues")
	if n := ft.waitForPages(job.Name); n != 12 {
		t.Errorf("%d pages were fetched, want 12", n)
	}
	ft.run("job", "set", job.Name, "pages=0").exits(done, "pages: 0, was 12", "continues")
	if n := ft.waitForPages(job.Name); n != 30 {
		t.Errorf("%d pages were fetched, want all 30", n)
	}
	if end := ft.run("job", "show", job.Name).exits(done); strings.Count(end.stdout, "changed ") != 3 ||
		!strings.Contains(end.stdout, "pages: 12, was 4") {
		t.Errorf("the changed settings are not shown:\n%s", end.stdout)
	}
	ft.run("job", "resume", job.Name).exits(done, "now waits for seeds", "trawl seed "+job.Name)
}

// TestABudgetSetOnARunningJobEndsIt sets a budget on a job without one. The open visits have
// reserved nothing of it.
func TestABudgetSetOnARunningJobEndsIt(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 3000, LinksPerPage: 5}
	site := g.Serve(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Workers(2)
	job := jobOf(t, g, site)
	job.Delay = 20e6
	ft.Create(job)
	ft.waitUntil("pages are fetched", func(ctx context.Context) bool {
		numbers, err := ft.Client.Counters(ctx, job.Name)
		return err == nil && numbers.Pages() >= 20
	})
	ft.run("job", "set", job.Name, "pages=200", "delay=10ms", "exclude=/never/").exits(done, "pages: 200, was 0",
		"delay: 10ms, was 20ms", "note: exclude")
	// The number of pages in flight depends on when the visits see the budget.
	if n := ft.waitForPages(job.Name); n < 200 || n >= int64(g.Hosts*g.PagesPerHost) {
		t.Errorf("%d pages were fetched, want 200 and the pages in flight", n)
	}
	if status, err := ft.Client.Status(t.Context(), job.Name); err != nil || status.Reason != "budget of pages" {
		t.Errorf("the job ended because of %q (%v), want its budget of pages", status.Reason, err)
	}
	ft.run("job", "set", job.Name, "pages=50").exits(done)
}

func TestInvalidSettingChangesAreRefused(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.write("news.yaml", "name: news\n")
	ft.run("job", "create", "news.yaml").exits(done)
	for command, says := range map[string]string{
		"news dealy=5s": `did you mean "delay"?`, "news delay=soon": `"soon" is not a duration`,
		"news name=other":           "named after it",
		"news delay=2s pages=-1":    `pages: "-1" is out of range`,
		"news delay=2s format=warc": "format: it cannot change", "news delay": "NAME=VALUE",
		"nothing delay=2s": "no job of this name", "news delay=2s --revision 7": "revision 0, not 7",
	} {
		ft.run(append([]string{"job", "set"}, strings.Fields(command)...)...).exits(usage, says)
	}
	var shown struct {
		Revision int64
		Settings crawler.Job
	}
	if ft.runJSON(&shown, "job", "show", "news"); shown.Revision != 0 || shown.Settings.Delay.String() != "1s" {
		t.Errorf("a refused change has changed the job: %+v", shown)
	}
	ft.run("job", "set", "news", "delay=1s").exits(done, "has these settings already")
	ft.run("job", "cancel", "news").exits(done)
	ft.run("job", "set", "news", "delay=2s").exits(usage, "cancelled")
}

// TestConcurrentSettingChangesAreAllKept changes different settings concurrently and expects all
// changes. Of two changes with the same revision, the second must fail.
func TestConcurrentSettingChangesAreAllKept(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.write("news.yaml", "name: news\n")
	ft.run("job", "create", "news.yaml").exits(done)
	errs := make(chan error)
	for _, pair := range []string{"delay=2s", "pages=7", "retries=1", "weight=9"} {
		go func() {
			changes, err := setting.ParseChanges([]string{pair})
			if err == nil {
				_, err = ft.Client.Set(t.Context(), "news", setting.AnyRevision, changes)
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	status, err := ft.Client.Status(t.Context(), "news")
	if err != nil {
		t.Fatal(err)
	}
	if j := status.Job; j.Delay.String() != "2s" || j.Pages != 7 || j.Retries != 1 || j.Weight != 9 ||
		status.Revision != 4 || len(status.Changes) != 4 {
		t.Errorf("after four changes at once the job is at revision %d: %+v", status.Revision, status.Changes)
	}
	ft.run("job", "set", "news", "delay=3s", "--revision", "4").exits(done)
	ft.run("job", "set", "news", "delay=4s", "--revision", "4").exits(usage, "changed in the meantime")
}
