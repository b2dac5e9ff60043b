package main_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// reactionTime is the maximum time until workers react to a change.
const reactionTime = 2 * time.Second

// lastStart returns the start of the latest request.
func lastStart(site *testsite.Site) time.Time {
	all := site.Requests()
	if len(all) == 0 {
		return time.Time{}
	}
	return all[len(all)-1].Start
}

// waitForMoreRequests waits until a site has received n more requests.
func waitForMoreRequests(t testing.TB, site *testsite.Site, n int) {
	t.Helper()
	before := len(site.Requests())
	waitForSite(t, site, func(l *testsite.Log) bool { return len(l.Requests()) >= before+n })
}

// expectNoMoreRequests expects that requests to a site stop soon after a given time.
func (ft *fleetTest) expectNoMoreRequests(site *testsite.Site, what string, start time.Time) {
	ft.t.Helper()
	const quiet = reactionTime // a running crawl would make many requests in this time
	ft.waitUntil("requests stop", func(context.Context) bool { return time.Since(lastStart(site)) > quiet })
	testfleet.Within(ft.t, what+" the last request", max(0, lastStart(site).Sub(start)), reactionTime)
}

// endlessJob returns a job that does not end during a test.
func endlessJob(t testing.TB) (crawler.Job, *testsite.Site) {
	t.Helper()
	g := testsite.Graph{Hosts: 4, PagesPerHost: 5000, LinksPerPage: 8}
	site := g.Serve(t)
	job := jobOf(t, g, site)
	job.Delay = 20 * time.Millisecond
	return job, site
}

func TestWorkersAddAndDropJobsWithoutDisturbingVisits(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 3, LinksPerPage: 2}
	long, short := g.Serve(t), g.Serve(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	w := ft.Worker()
	reached, release := long.Hang(strings.TrimPrefix(long.URL(0, "/page/1"), "http://"))
	slow := jobOf(t, g, long)
	slow.Throttle = 0
	ft.Create(slow)
	<-reached // a visit is open
	for i := range 2 {
		job := jobOf(t, g, short)
		job.Name = fmt.Sprintf("short-%d", i)
		created := time.Now()
		ft.Create(job)
		waitForMoreRequests(t, short, 1)
		testfleet.Within(t, "the first request after creation", time.Since(created), reactionTime)
		ft.Done(job.Name)
		ended := time.Now()
		w.Says(`msg="no longer serving a job" job=` + job.Name)
		testfleet.Within(t, "the worker drops an ended job", time.Since(ended), reactionTime)
	}
	if strings.Contains(w.Log(), `msg="no longer serving a job" job=`+slow.Name) {
		t.Error("the worker gave up a running job")
	}
	release()
	if numbers := ft.Done(slow.Name); numbers.Pages() != 6 || numbers.Broken != 0 || long.Count("/page/1") != 2 {
		t.Errorf("%d pages are fetched, %d visits broke, the hanging page was requested %d times, want 6, 0 and 2",
			numbers.Pages(), numbers.Broken, long.Count("/page/1"))
	}
}

func TestAPinnedWorkerServesOnlyItsJobs(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 3, LinksPerPage: 2}
	mine, others := g.Serve(t), g.Serve(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	first, second := jobOf(t, g, mine), jobOf(t, g, others)
	first.Name, second.Name = "first-"+first.Name[:20], "second"
	pinned := ft.Worker("--jobs", "nothing,"+first.Name)
	ft.Create(second)
	ft.Create(first)
	ft.Done(first.Name)
	if n := len(others.Requests()); n > 0 {
		t.Errorf("a worker pinned to another job made %d requests", n)
	}
	free := ft.Worker()
	ft.Done(second.Name)
	for _, r := range ft.Kept(second.Name) {
		if r.Worker != free.Name {
			t.Errorf("%s was fetched by %s, want %s", r.URL, r.Worker, free.Name)
		}
	}
	if log := pinned.Log(); strings.Contains(log, "job="+second.Name) {
		t.Errorf("the pinned worker took up another job:\n%s", log)
	}
}

func TestAPauseInTrawlOrAsynqShowsInBoth(t *testing.T) {
	t.Parallel()
	job, site := endlessJob(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	ft.Create(job)
	inspector := asynq.NewInspector(asynq.RedisClientOpt{Addr: ft.Redis.TCP})
	defer inspector.Close()
	shows := func(paused bool, since time.Time, what string) {
		t.Helper()
		ft.waitUntil("both sides show it", func(ctx context.Context) bool {
			status, err := ft.Client.Status(ctx, job.Name)
			info, err2 := inspector.GetQueueInfo(job.Name)
			return err == nil && err2 == nil && (status.State == crawler.StatePaused) == paused && info.Paused == paused
		})
		testfleet.Within(t, what+" shows on both sides", time.Since(since), reactionTime)
	}
	for _, side := range []struct {
		name          string
		pause, resume func() error
	}{
		{"trawl", func() error { ft.run("job", "pause", job.Name).exits(done); return nil },
			func() error { ft.run("job", "resume", job.Name).exits(done); return nil }},
		{"asynq", func() error { return inspector.PauseQueue(job.Name) },
			func() error { return inspector.UnpauseQueue(job.Name) }},
	} {
		waitForMoreRequests(t, site, 10)
		if err := side.pause(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		shows(true, start, "a pause in "+side.name)
		ft.expectNoMoreRequests(site, "after a pause in "+side.name, start)
		if err := side.resume(); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		shows(false, start, "a resumption in "+side.name)
	}
	waitForMoreRequests(t, site, 10)
	numbers, err := ft.Client.Counters(testfleet.Soon(t), job.Name)
	if err != nil || numbers.Broken > 0 {
		t.Errorf("%d visits broke (%v)", numbers.Broken, err)
	}
}

func TestACancelledJobStopsAndKeepsOnlyItsRecord(t *testing.T) {
	t.Parallel()
	job, site := endlessJob(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	ft.Create(job)
	waitForMoreRequests(t, site, 40)
	ft.run("seed", job.Name, site.URL(0, "/page/4999")).exits(done)
	ft.run("job", "cancel", job.Name).exits(done)
	start := time.Now()
	ft.expectNoMoreRequests(site, "after a cancellation", start)
	record := []string{"trawl:{" + job.Name + "}:events", "trawl:{" + job.Name + "}:job"}
	ft.waitUntil("only the record of the job and its events are left", func(context.Context) bool {
		return slices.Equal(slices.Sorted(slices.Values(ft.redisKeys(job.Name))), record)
	})
	var end jobJSON
	if ft.runJSON(&end, "job", "show", job.Name); end.State != crawler.StateCancelled || end.Counters.Pages() < 30 {
		t.Errorf("a job that was cancelled is shown as %+v", end)
	}
	if kept := int64(len(ft.Export(job.Name))); kept < end.Counters.Pages() {
		t.Errorf("%d records are exported of %d pages", kept, end.Counters.Pages())
	}
	ft.run("job", "rm", job.Name).exits(done)
	if left := ft.redisKeys(job.Name); len(left) > 0 {
		t.Errorf("a removed job leaves %v", left)
	}
}

// A job can be removed right after it was cancelled, while visits are still ending.
func TestARemovedJobLeavesNoKeys(t *testing.T) {
	t.Parallel()
	job, site := endlessJob(t)
	job.Shards = 3
	ft := newFleetTest(t)
	ft.Scheduler()
	w := ft.Worker()
	for range 2 { // the second job has the name of the first
		ft.Create(job)
		waitForMoreRequests(t, site, 20)
		queues, err := ft.redis.SMembers(testfleet.Soon(t), "asynq:queues").Result()
		if err != nil || !slices.Contains(queues, job.Name) {
			t.Errorf("asynq lists the queues %v (%v), want %s", queues, err, job.Name)
		}
		ft.run("job", "cancel", job.Name).exits(done)
		ft.run("job", "rm", job.Name).exits(done)
		if left := ft.redisKeys(job.Name); len(left) > 0 {
			t.Errorf("a removed job leaves %v", left)
		}
		ft.expectNoMoreRequests(site, "after a removal", time.Now())
	}
	w.Terminate()
	if left := ft.redisKeys(job.Name); len(left) > 0 {
		t.Errorf("a worker brought back %v", left)
	}
	if jobs, err := ft.redis.SMembers(testfleet.Soon(t), "trawl:jobs").Result(); err != nil || len(jobs) > 0 {
		t.Errorf("the list of jobs has %v (%v)", jobs, err)
	}
}

// The visits of a dead worker do not keep a job's keys alive.
func TestAJobOfAKilledWorkerCanBeRemoved(t *testing.T) {
	t.Parallel()
	job, site := endlessJob(t)
	job.Name = redistest.Name(t)
	ft := newFleetTest(t)
	w := ft.Worker()
	s := ft.Scheduler()
	ft.Create(job)
	waitForMoreRequests(t, site, 20)
	s.Kill()
	w.Kill()
	ft.run("job", "cancel", job.Name).exits(done)
	ft.run("job", "rm", job.Name).exits(done)
	if left := ft.redisKeys(job.Name); len(left) > 0 {
		t.Errorf("a removed job leaves %v", left)
	}
}
