package dashboard

import (
	"net/http"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

func TestTheAPIShowsTheFleetAndRedis(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	for _, job := range []string{"news", "olds"} {
		s.job(t, job)
		s.change(job, func(r *fakeJob) {
			r.counters = crawler.Counters{Waiting: 10, Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 7}}
		})
	}
	s.change("olds", func(r *fakeJob) { r.status.State = crawler.StateDone })
	s.fakeFleet.members = []waiting.Member{{Process: waiting.Process{Kind: waiting.KindScheduler}},
		{Process: waiting.Process{Kind: waiting.KindWorker}, Places: 64, Taken: 12}}
	s.fakeFleet.vitals = redisconn.Vitals{Servers: 1, Version: "8.0.2", Role: "master", Memory: 12_000_000,
		CommandsPerSecond: 4321, Replicas: 1, Lag: 3 * time.Second}
	s.get(t, apiRoot+"/fleet").want(t, http.StatusOK, `"done": 1`, `"running": 1`, `"fetched": 14`, `"waiting": 10`,
		`"workers": 1`, `"schedulers": 1`, `"places": 64`, `"taken": 12`, `"version": "8.0.2"`, `"memory": 12000000`,
		`"max_memory": 0`, `"commands_per_second": 4321`, `"lag_seconds": 3`)
	s.get(t, apiRoot+"/fleet?x=1").wantError(t, http.StatusBadRequest, "unknown parameter")
}

func TestTheAPIQueuesURLsOfALostWorkerAgain(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	const path = apiRoot + "/jobs/news/refetch"
	s.post(t, path+"?lost=worker-3", "", "").want(t, http.StatusOK, `"urls": 8`)
	s.post(t, path, "", "").want(t, http.StatusOK, `"urls": 0`)
	s.post(t, path+"?last=x", "", "").wantError(t, http.StatusBadRequest, `did you mean "lost"?`)
	s.change("news", func(r *fakeJob) { r.status.State = crawler.StateDone })
	s.post(t, path, "", "").wantError(t, http.StatusConflict, "is done", "use trawl job refetch news")
	s.change("news", func(r *fakeJob) { r.status.Job.Schedule = "@daily" })
	s.post(t, path, "", "").wantError(t, http.StatusConflict, "periodic")
	s.post(t, apiRoot+"/jobs/olds/refetch", "", "").wantError(t, http.StatusNotFound, "olds")
}
