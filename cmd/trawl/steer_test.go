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

// promptly is within what time workers do what they are told: design, 5.
const promptly = 2 * time.Second

// lastStart is when the last request so far began.
func lastStart(site *testsite.Site) time.Time {
	all := site.Requests()
	if len(all) == 0 {
		return time.Time{}
	}
	return all[len(all)-1].Start
}

// more waits until a site has been asked n more times.
func more(t testing.TB, site *testsite.Site, n int) {
	t.Helper()
	before := len(site.Requests())
	until(t, site, func(l *testsite.Log) bool { return len(l.Requests()) >= before+n })
}

// stops expects that a site is asked no more soon after a moment.
func (o *office) stops(site *testsite.Site, what string, told time.Time) {
	o.t.Helper()
	const quiet = promptly // in which the crawl would have made many requests
	o.until("requests stop", func(context.Context) bool { return time.Since(lastStart(site)) > quiet })
	testfleet.Within(o.t, what+" the last request", max(0, lastStart(site).Sub(told)), promptly)
}

// endless is a job that a test cannot see the end of.
func endless(t testing.TB) (crawler.Job, *testsite.Site) {
	t.Helper()
	g := testsite.Graph{Hosts: 4, PagesPerHost: 5000, LinksPerPage: 8}
	site := g.Serve(t)
	job := jobOf(t, g, site)
	job.Delay = crawler.Duration(20 * time.Millisecond)
	return job, site
}

func TestWorkersTakeJobsUpAndLetThemGoWithoutDisturbingVisits(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 3, LinksPerPage: 2}
	long, short := g.Serve(t), g.Serve(t)
	o := newOffice(t)
	o.Scheduler()
	w := o.Worker()
	reached, release := long.Hang(strings.TrimPrefix(long.URL(0, "/page/1"), "http://"))
	slow := jobOf(t, g, long)
	slow.Throttle = 0
	o.Create(slow)
	<-reached // a visit is under way
	for i := range 2 {
		job := jobOf(t, g, short)
		job.Name = fmt.Sprintf("short-%d", i)
		created := time.Now()
		o.Create(job)
		more(t, short, 1)
		testfleet.Within(t, "a job that was created is asked for", time.Since(created), promptly)
		o.Done(job.Name)
		ended := time.Now()
		w.Says(`msg="no longer serving a job" job=` + job.Name)
		testfleet.Within(t, "a job that ended is let go of", time.Since(ended), promptly)
	}
	if strings.Contains(w.Log(), `msg="no longer serving a job" job=`+slow.Name) {
		t.Error("the worker gave up a running job")
	}
	release()
	if numbers := o.Done(slow.Name); numbers.Pages() != 6 || numbers.Broken != 0 || long.Count("/page/1") != 2 {
		t.Errorf("%d pages are fetched, %d visits broke, the page under way was asked for %d times, want 6, 0 and 2 at two hosts",
			numbers.Pages(), numbers.Broken, long.Count("/page/1"))
	}
}

func TestAWorkerIsPinnedToJobs(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 3, LinksPerPage: 2}
	mine, others := g.Serve(t), g.Serve(t)
	o := newOffice(t)
	o.Scheduler()
	first, second := jobOf(t, g, mine), jobOf(t, g, others)
	first.Name, second.Name = "first-"+first.Name[:20], "second"
	pinned := o.Worker("--jobs", "nothing,"+first.Name)
	o.Create(second)
	o.Create(first)
	o.Done(first.Name)
	if n := len(others.Requests()); n > 0 {
		t.Errorf("a worker that is pinned to another job asked %d times for this", n)
	}
	free := o.Worker()
	o.Done(second.Name)
	for _, r := range o.Kept(second.Name) {
		if r.Worker != free.Name {
			t.Errorf("%s was fetched by %s, want %s", r.URL, r.Worker, free.Name)
		}
	}
	if log := pinned.Log(); strings.Contains(log, "job="+second.Name) {
		t.Errorf("the pinned worker took up another job:\n%s", log)
	}
}

func TestAPauseFromEitherSideShowsOnBoth(t *testing.T) {
	t.Parallel()
	job, site := endless(t)
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	o.Create(job)
	inspector := asynq.NewInspector(asynq.RedisClientOpt{Addr: o.Redis.TCP})
	defer inspector.Close()
	shows := func(paused bool, since time.Time, what string) {
		t.Helper()
		o.until("both sides show it", func(ctx context.Context) bool {
			status, err := o.Client.Status(ctx, job.Name)
			info, err2 := inspector.GetQueueInfo(job.Name)
			return err == nil && err2 == nil && (status.State == crawler.StatePaused) == paused && info.Paused == paused
		})
		testfleet.Within(t, what+" shows on both sides", time.Since(since), promptly)
	}
	for _, side := range []struct {
		name          string
		pause, resume func() error
	}{
		{"trawl", func() error { o.run("job", "pause", job.Name).exits(done); return nil },
			func() error { o.run("job", "resume", job.Name).exits(done); return nil }},
		{"asynq", func() error { return inspector.PauseQueue(job.Name) },
			func() error { return inspector.UnpauseQueue(job.Name) }},
	} {
		more(t, site, 10)
		if err := side.pause(); err != nil {
			t.Fatal(err)
		}
		told := time.Now()
		shows(true, told, "a pause in "+side.name)
		o.stops(site, "after a pause in "+side.name, told)
		if err := side.resume(); err != nil {
			t.Fatal(err)
		}
		told = time.Now()
		shows(false, told, "a resumption in "+side.name)
	}
	more(t, site, 10)
	numbers, err := o.Client.Counters(testfleet.Soon(t), job.Name)
	if err != nil || numbers.Broken > 0 {
		t.Errorf("%d visits broke (%v)", numbers.Broken, err)
	}
}

func TestACancelledJobStopsAndLeavesItsRecordAlone(t *testing.T) {
	t.Parallel()
	job, site := endless(t)
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	o.Create(job)
	more(t, site, 40)
	o.run("seed", job.Name, site.URL(0, "/page/4999")).exits(done)
	o.run("job", "cancel", job.Name).exits(done)
	told := time.Now()
	o.stops(site, "after a cancellation", told)
	record := []string{"trawl:{" + job.Name + "}:job"}
	o.until("only the record of the job is left", func(context.Context) bool {
		return slices.Equal(o.keys(job.Name), record)
	})
	var end shown
	if o.answer(&end, "job", "show", job.Name); end.State != crawler.StateCancelled || end.Counters.Pages() < 30 {
		t.Errorf("a job that was cancelled is shown as %+v", end)
	}
	if kept := int64(len(o.Export(job.Name))); kept < end.Counters.Pages() {
		t.Errorf("%d records are exported of %d pages", kept, end.Counters.Pages())
	}
	o.run("job", "rm", job.Name).exits(done)
	if left := o.keys(job.Name); len(left) > 0 {
		t.Errorf("of a job that was removed there is left %v", left)
	}
}

// A job is removed at once after it was cancelled, while visits still end.
func TestAJobThatIsRemovedLeavesNothing(t *testing.T) {
	t.Parallel()
	job, site := endless(t)
	job.Shards = 3
	o := newOffice(t)
	o.Scheduler()
	w := o.Worker()
	for range 2 { // the second has the name of the first
		o.Create(job)
		more(t, site, 20)
		queues, err := o.redis.SMembers(testfleet.Soon(t), "asynq:queues").Result()
		if err != nil || !slices.Contains(queues, job.Name) {
			t.Errorf("asynq lists the queues %v (%v), want %s", queues, err, job.Name)
		}
		o.run("job", "cancel", job.Name).exits(done)
		o.run("job", "rm", job.Name).exits(done)
		if left := o.keys(job.Name); len(left) > 0 {
			t.Errorf("of a job that was removed there is left %v", left)
		}
		o.stops(site, "after a removal", time.Now())
	}
	w.Terminate()
	if left := o.keys(job.Name); len(left) > 0 {
		t.Errorf("a worker brought back %v", left)
	}
	if jobs, err := o.redis.SMembers(testfleet.Soon(t), "trawl:jobs").Result(); err != nil || len(jobs) > 0 {
		t.Errorf("the list of jobs has %v (%v)", jobs, err)
	}
}

// What a worker that died had under way is no reason to keep a job's keys.
func TestAJobOfADeadWorkerIsRemoved(t *testing.T) {
	t.Parallel()
	job, site := endless(t)
	job.Name = redistest.Name(t)
	o := newOffice(t)
	w := o.Worker()
	s := o.Scheduler()
	o.Create(job)
	more(t, site, 20)
	s.Kill()
	w.Kill()
	o.run("job", "cancel", job.Name).exits(done)
	o.run("job", "rm", job.Name).exits(done)
	if left := o.keys(job.Name); len(left) > 0 {
		t.Errorf("of a job that was removed there is left %v", left)
	}
}
