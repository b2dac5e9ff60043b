package dashboard

import (
	"net/http"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAPeriodicJobShowsItsTicksAndRuns(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"news-20261128t000000", "news-20261127t000000", "news", "news-20261126t000000"} {
		s.job(t, name)
	}
	for _, run := range []string{"news-20261127t000000", "news-20261128t000000"} {
		s.change(run, func(r *fakeJob) {
			r.status.RunOf = "news"
			r.counters.Outcomes = map[crawler.Outcome]int64{crawler.OutcomeFetched: 7}
		})
	}
	s.change("news", func(r *fakeJob) {
		r.status.Job.Schedule, r.status.State = "@daily", crawler.StateCreated
		r.status.Created, r.status.Now, r.status.Tick = now.Add(-72*time.Hour), now, now.Truncate(24*time.Hour)
	})
	var one sheet
	s.get(t, apiRoot+"/jobs/news").read(t, &one)
	p := one.Periodic
	if p == nil || p.Schedule != "@daily" || !p.NextTick.Equal(now.Add(12*time.Hour)) ||
		!p.LastTick.Equal(now.Add(-12*time.Hour)) || p.TicksPass {
		t.Fatalf("its schedule is %+v", p)
	}
	if len(p.Runs) != 2 || p.Runs[1].Name != "news-20261128t000000" || p.Runs[1].Pages != 7 ||
		p.Runs[1].State != crawler.StateRunning {
		t.Errorf("its runs are %+v", p.Runs)
	}
	s.get(t, "/").want(t, http.StatusOK, "@daily: the next run starts at 2026-11-29 00:00:00 UTC")
	s.change("news", func(r *fakeJob) { r.status.State = crawler.StatePaused })
	s.get(t, "/").want(t, http.StatusOK, "@daily: ticks are skipped while it is paused")
	s.get(t, apiRoot+"/jobs/news").want(t, http.StatusOK, `"ticks_pass": true`)
	s.post(t, apiRoot+"/jobs", "application/json", `{"name": "zero", "schedule": "@every 0s"}`).
		want(t, http.StatusBadRequest, `\"0s\" is out of range`, "@every 36h")
}
