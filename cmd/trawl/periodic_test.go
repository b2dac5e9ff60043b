package main_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// periodicJSON has the fields of a periodic job in --json that the tests check.
type periodicJSON struct {
	Name     string
	RunOf    string `json:"run_of"`
	Periodic *periodic.Job
}

func TestTheTicksAndRunsOfAScheduleAreShown(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	ft := newFleetTest(t)
	ft.write("daily.yaml", "name: daily\nseeds: ["+aURL+"]\nschedule: '@daily'\n")
	ft.run("job", "create", "daily.yaml").exits(done)
	if end := ft.run("job", "show", "daily").exits(done); !strings.Contains(end.stdout, "@daily") ||
		!strings.Contains(end.stdout, "next run") || !strings.Contains(end.stdout, "none yet") {
		t.Errorf("a periodic job that no scheduler has seen is shown as\n%s", end.stdout)
	}
	ft.run("job", "pause", "daily").exits(done)
	for _, command := range []string{"show daily", "ls"} {
		if end := ft.run(append([]string{"job"},
			strings.Fields(command)...)...).exits(done); !strings.Contains(end.stdout, "ticks are skipped") {
			t.Errorf("job %s does not say that ticks are skipped:\n%s", command, end.stdout)
		}
	}

	job := jobOf(t, g, site)
	job.Name = "often"
	job.Schedule = "@every 1s"
	ft.Scheduler()
	ft.Worker("--jobs", job.Name)
	ft.Create(job)
	var beat periodicJSON
	ft.waitUntil("two runs are done", func(context.Context) bool {
		ft.runJSON(&beat, "job", "show", job.Name)
		return len(beat.Periodic.Runs) >= 2 && beat.Periodic.Runs[1].State == crawler.StateDone
	})
	if run := beat.Periodic.Runs[0]; run.Pages != 3 || run.State != crawler.StateDone || run.Ended.IsZero() {
		t.Errorf("the first run is shown as %+v", run)
	}
	if p := beat.Periodic; p.Schedule != "@every 1s" || p.LastTick.IsZero() || !p.NextTick.After(p.LastTick) ||
		p.TicksPass {
		t.Errorf("its schedule is shown as %+v", p)
	}
	first := beat.Periodic.Runs[0].Name
	if end := ft.run("job", "show", job.Name).exits(done); !strings.Contains(end.stdout, first+" done 3 pages") {
		t.Errorf("its runs are shown as\n%s", end.stdout)
	}
	var run periodicJSON
	if ft.runJSON(&run, "job", "show", first); run.RunOf != job.Name || run.Periodic != nil {
		t.Errorf("the run is shown as %+v", run)
	}

	watch := ft.start("job", "watch", job.Name)
	watch.waitForOutput("@every 1s, next run")
	ft.run("job", "cancel", job.Name).exits(done)
	if end := watch.waitSoon().exits(done); !strings.Contains(end.stdout, "cancelled") {
		t.Errorf("a periodic job is shown at its end as\n%s", end.stdout)
	}
}

// TestAWorkerPinnedToAPeriodicJobServesOnlyItsRuns also creates a job that is named like a run
// of the periodic job but is not one.
func TestAWorkerPinnedToAPeriodicJobServesOnlyItsRuns(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 2, LinksPerPage: 1}
	mine, other := g.Serve(t), g.Serve(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	job := jobOf(t, g, other)
	job.Name = "beat" // short: the names of runs are longer
	alike := job
	alike.Name = periodic.RunName(job.Name, time.Now())
	ft.Create(alike)
	ft.waitForState(alike.Name, crawler.StateRunning)
	ft.Worker("--jobs", job.Name)
	job.Seeds, job.Schedule = jobOf(t, g, mine).Seeds, "@every 1s"
	ft.Create(job)
	ft.waitUntil("two runs are done", func(ctx context.Context) bool {
		all, err := ft.Client.Jobs(ctx)
		runs := periodic.RunsOf(job.Name, all)
		return err == nil && len(runs) >= 2 && runs[1].State == crawler.StateDone
	})
	if n := len(other.Requests()); n != 0 {
		t.Errorf("the worker served a job that is not a run: %d requests", n)
	}
}
