package scheduler_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/periodic"
)

// runs lists the runs of a periodic job, oldest first.
func (h *testFleet) runs(job string) (runs []crawler.Status) {
	h.t.Helper()
	all, err := h.Jobs(h.t.Context())
	h.must(err)
	for _, status := range all {
		if strings.HasPrefix(status.Job.Name, job+"-") {
			runs = append(runs, status)
		}
	}
	return runs
}

// periodic creates a job whose schedule was set some time ago.
func (h *testFleet) periodic(name, schedule string, ago time.Duration) {
	h.t.Helper()
	h.create(name, 1, func(j *crawler.Job) { j.Schedule = schedule })
	created := h.status(name).Created.Add(-ago)
	h.must(h.rdb.HSet(h.t.Context(), "trawl:{"+name+"}:job", "created", created.UnixMilli()).Err())
}

// finish ends a run as done.
func (h *testFleet) finish(run string) {
	h.t.Helper()
	h.wantState(run, crawler.StateRunning)
	moved, err := h.store.Move(h.t.Context(), run, crawler.StateDone, "", crawler.StateRunning)
	if err != nil || !moved {
		h.t.Fatalf("the run %s does not end: %v", run, err)
	}
}

// runsBegun counts the runs that the runners logged as started.
func (h *testFleet) runsBegun() (n int) {
	for _, message := range h.log.messages(slog.LevelInfo) {
		if message == "a run starts" {
			n++
		}
	}
	return n
}

func TestEachTickHasOneRunWithSeveralRunners(t *testing.T) {
	t.Parallel()
	testFleets(t, 3, func(t *testing.T, h *testFleet) {
		h.create("news", 2, func(j *crawler.Job) { j.Schedule = "@every 1s" })
		created := h.status("news").Created
		ended := make(map[string]bool)
		for len(ended) < 4 {
			h.until("another run begins", func() bool { return len(h.runs("news")) > len(ended) })
			for _, run := range h.runs("news") {
				if !ended[run.Job.Name] {
					h.finish(run.Job.Name)
					ended[run.Job.Name] = true
				}
			}
		}
		runs := h.runs("news")
		seconds := make(map[int]bool)
		for _, run := range runs {
			at, err := time.Parse("20060102t150405", strings.TrimPrefix(run.Job.Name, "news-"))
			h.must(err)
			second := int(at.Sub(created.Truncate(time.Second)).Seconds())
			if seconds[second] || second < 1 || run.Job.Schedule != "" || run.Created.Before(at) {
				t.Errorf("%s is the run of second %d, started at %v", run.Job.Name, second, run.Created)
			}
			seconds[second] = true
		}
		if n := h.runsBegun(); n != len(h.runs("news")) && n != len(runs) {
			t.Errorf("%d runs were started, but %d exist", n, len(runs))
		}
		if state := h.status("news").State; state != crawler.StateCreated {
			t.Errorf("the job itself is %s", state)
		}
	})
}

func TestATickIsSkippedWhileThePreviousRunIsRunning(t *testing.T) {
	t.Parallel()
	testFleets(t, 2, func(t *testing.T, h *testFleet) {
		h.create("news", 2, func(j *crawler.Job) { j.Schedule = "@every 1s" })
		h.until("a run begins", func() bool { return len(h.runs("news")) == 1 })
		first := h.runs("news")[0].Job.Name
		h.until("its tick is noted", func() bool { return h.status("news").Run == first })
		tick := h.status("news").Tick
		h.until("two ticks pass", func() bool { return h.status("news").Tick.Sub(tick) >= 2*time.Second })
		if runs := h.runs("news"); len(runs) != 1 || h.status("news").Run != first {
			t.Fatalf("there are %d runs, want the first alone", len(runs))
		}
		h.finish(first)
		h.until("the next run begins", func() bool { return len(h.runs("news")) == 2 })
	})
}

// In TestATickIsHandledOnce, the schedule is hourly, and the last tick was half an hour ago.
func TestATickIsHandledOnce(t *testing.T) {
	t.Parallel()
	testFleets(t, 2, func(t *testing.T, h *testFleet) {
		h.periodic("news", "@every 1h", 90*time.Minute)
		h.until("the tick that was missed has a run", func() bool { return len(h.runs("news")) == 1 })
		run := h.runs("news")[0].Job.Name
		h.finish(run)
		h.until("its tick is noted", func() bool { return h.status("news").Run == run })
		h.must(h.Remove(t.Context(), run))
		h.waitRounds(3)
		if runs := h.runs("news"); len(runs) != 0 {
			t.Errorf("a removed run was created again: %s", runs[0].Job.Name)
		}
	})
}

// In TestAnUnfinishedTickIsFinished, a runner created the run and died before it recorded the tick.
func TestAnUnfinishedTickIsFinished(t *testing.T) {
	t.Parallel()
	testFleets(t, 0, func(t *testing.T, h *testFleet) {
		h.periodic("news", "@every 1h", 90*time.Minute)
		job := h.status("news")
		run := job.Job
		run.Name, run.Schedule = periodic.RunName("news", job.Created.Add(time.Hour)), ""
		h.must(h.store.CreateRun(t.Context(), run, "news"))
		h.open()
		h.open()
		h.until("the tick is noted", func() bool { return h.status("news").Run == run.Name })
		h.wantState(run.Name, crawler.StateRunning)
		if runs := h.runs("news"); len(runs) != 1 || h.runsBegun() != 0 {
			t.Errorf("there are %d runs, and %d were started by others", len(runs), h.runsBegun())
		}
	})
}

func TestAPeriodicJobIsPausedCancelledAndRemoved(t *testing.T) {
	t.Parallel()
	testFleets(t, 2, func(t *testing.T, h *testFleet) {
		h.periodic("news", "@every 1s", 0)
		h.must(h.Pause(t.Context(), "news"))
		before := h.runs("news")
		tick := h.status("news").Tick
		h.until("ticks pass", func() bool { return h.status("news").Tick.Sub(tick) >= 2*time.Second })
		if got := h.runs("news"); len(got) > len(before)+1 { // one may have been about to start
			t.Errorf("%d runs started while the job was paused", len(got)-len(before))
		}
		for _, run := range h.runs("news") {
			h.finish(run.Job.Name)
		}
		n := len(h.runs("news"))
		h.must(h.Resume(t.Context(), "news"))
		h.until("a run begins", func() bool { return len(h.runs("news")) > n })
		h.must(h.Cancel(t.Context(), "news"))
		h.until("the job is cleared", func() bool { return h.status("news").Cleared })
		runs := h.runs("news")
		h.waitRounds(3)
		if got := h.runs("news"); len(got) != len(runs) {
			t.Errorf("%d runs started after the job was cancelled", len(got)-len(runs))
		}
		last := runs[len(runs)-1]
		h.wantState(last.Job.Name, crawler.StateRunning) // the run continues
		h.must(h.Remove(t.Context(), "news"))
		if keys := h.keys("{news}"); len(keys) > 0 {
			t.Errorf("keys remain: %v", keys)
		}

		h.periodic("weekly", "@weekly", 0)
		h.must(h.Pause(t.Context(), "weekly"))
		h.must(h.Remove(t.Context(), "weekly"))
		if keys := h.keys("weekly"); len(keys) > 0 {
			t.Errorf("keys remain: %v", keys)
		}
		names, err := h.store.Jobs(t.Context())
		h.must(err)
		if slices.Contains(names, "weekly") {
			t.Error("the removed job is listed")
		}
	})
}

// In TestOldRunsAreRemovedFromRedis, a job keeps two runs. Three runs ended a while ago, and one is
// still running.
func TestOldRunsAreRemovedFromRedis(t *testing.T) {
	t.Parallel()
	testFleets(t, 2, func(t *testing.T, h *testFleet) {
		// The name has another prefix.
		h.create("other-20261101t060000", 1)
		lookalike := periodic.RunName("news", time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)) // no schedule created it
		h.create(lookalike, 1)
		old := time.Now().Add(-time.Hour).UnixMilli()
		var names []string
		for hour := range 3 {
			run := periodic.RunName("news", time.Date(2026, 11, 1, hour, 0, 0, 0, time.UTC))
			names = append(names, run)
			job := crawler.DefaultJob()
			job.Name, job.Seeds = run, sites(1)
			h.must(h.store.CreateRun(t.Context(), job, "news"))
			h.wantState(run, crawler.StateRunning)
		}
		for _, run := range []string{names[0], names[2], "other-20261101t060000", lookalike} {
			h.wantState(run, crawler.StateRunning)
			h.finish(run)
			h.must(h.rdb.HSet(t.Context(), "trawl:{"+run+"}:job", "ended", old).Err())
		}
		h.create("news", 1, func(j *crawler.Job) { j.Schedule, j.Runs = "@yearly", 1 })
		h.until("the oldest is removed", func() bool { return len(h.runs("news")) == 3 })
		h.waitRounds(3)
		var left []string
		for _, run := range h.runs("news") {
			left = append(left, run.Job.Name)
		}
		if !slices.Equal(left, append([]string{lookalike}, names[1:]...)) {
			t.Errorf("the jobs are %q: want the running one, the last one, and the job that is not a run", left)
		}
		h.wantState("other-20261101t060000", crawler.StateDone)
		if keys := h.keys(names[0]); len(keys) > 0 {
			t.Errorf("keys of the removed run remain: %q", keys)
		}
	})
}

// In TestAJobWithTheNameOfARunIsNotMistakenForIt, a user's job has the name of the last tick's run.
func TestAJobWithTheNameOfARunIsNotMistakenForIt(t *testing.T) {
	t.Parallel()
	testFleets(t, 0, func(t *testing.T, h *testFleet) {
		h.periodic("news", "@every 1h", 90*time.Minute)
		name := periodic.RunName("news", h.status("news").Created.Add(time.Hour))
		h.create(name, 1)
		h.open()
		h.until("the tick is handled", func() bool { return !h.status("news").Tick.IsZero() })
		if status := h.status("news"); status.Run != "" ||
			len(periodic.RunsOf("news", []crawler.Status{h.status(name)})) != 0 {
			t.Errorf("the last run is %q", status.Run)
		}
	})
}
