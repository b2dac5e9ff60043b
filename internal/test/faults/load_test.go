package faults_test

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// createJob creates a further job with its own site.
func (c *crawl) createJob(hosts, pagesPerHost int, change func(*crawler.Job)) (crawler.Job, *testsite.Site) {
	c.t.Helper()
	graph := testsite.Graph{Hosts: hosts, PagesPerHost: pagesPerHost, LinksPerPage: 6, Seed: 6}
	site, job := graph.Serve(c.t), crawler.DefaultJob()
	job.Name, job.Delay = redistest.Name(c.t), delay
	for _, root := range graph.Roots() {
		job.Seeds = append(job.Seeds, site.URL(root.Host, graph.Path(root.Page)))
	}
	change(&job)
	c.Create(job)
	return job, site
}

// With fewer hosts than places, the visits are spread over all workers.
func TestVisitsSpreadOverWorkers(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 6, 40)
	c.job.Delay = 500 * time.Millisecond
	workers := c.Workers(4, "--concurrency", "10")
	c.Scheduler()
	seeds := c.job.Seeds
	c.job.Seeds = nil
	c.begin()
	for _, w := range workers {
		w.Says("now serving a job")
	}
	if output, status := c.Run(append([]string{"seed", c.job.Name}, seeds...)...); status != 0 {
		t.Fatalf("seed: exit status %d\n%s", status, output)
	}
	var counts map[string]int
	eventually(t, "six hosts are visited", func() bool {
		hosts, err := c.Client.Hosts(t.Context(), c.job.Name, 100)
		counts = make(map[string]int)
		for _, w := range workers {
			counts[w.Name] = 0
		}
		open := 0
		for _, h := range hosts {
			if h.State == queue.HostOpen {
				counts[h.Worker]++
				open++
			}
		}
		return err == nil && open == 6
	})
	all := slices.Collect(maps.Values(counts))
	if slices.Max(all)-slices.Min(all) > 1 {
		t.Errorf("six visits are spread over four workers as %v, want one or two on each", counts)
	}
}

// No worker holds more tasks than it has places, for any number of jobs.
func TestNoWorkerHoldsMoreTasksThanItHasPlaces(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, 20)
	const places = 4
	c.Workers(2, "--concurrency", "4")
	c.Scheduler()
	c.begin()
	jobs := []string{c.job.Name}
	for range 2 {
		job, _ := c.createJob(10, 20, func(*crawler.Job) {})
		jobs = append(jobs, job.Name)
	}
	most := 0
	eventually(t, "all jobs are done", func() bool {
		most = max(most, c.active(jobs))
		for _, job := range jobs {
			if status, err := c.Client.Status(t.Context(), job); err != nil || status.State != crawler.StateDone {
				return false
			}
		}
		return true
	})
	if most > 2*places || most == 0 {
		t.Errorf("two workers with %d places each held %d tasks", places, most)
	}
	t.Logf("at most %d tasks were held in %d places", most, 2*places)
}

// active counts the tasks of several jobs that workers hold. The jobs are read one after the other,
// so a task that ends in one and a task that starts in the next may both count.
func (c *crawl) active(jobs []string) (n int) {
	c.t.Helper()
	var lengths []*redis.IntCmd
	_, err := c.redis.TxPipelined(c.t.Context(), func(p redis.Pipeliner) error {
		for _, job := range jobs {
			lengths = append(lengths, p.LLen(c.t.Context(), "asynq:{"+job+"}:active"))
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, l := range lengths {
		n += int(l.Val())
	}
	return n
}

// The tasks for a killed worker go to the others at once, although its last report says that it has
// free places.
func TestAKilledWorkerDoesNotHoldBackTasks(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 4, 20)
	idle := c.Worker("--concurrency", "100")
	c.Worker("--concurrency", "5")
	c.Scheduler()
	idle.Kill()
	c.begin()
	c.wantComplete(0)
}

// Two jobs that want every place of the fleet share their time by their weights, although their
// visits would last half a minute each and their shares are not whole: 1.5 and 4.5 of six places.
// All hosts are visited at the same pace, so the number of requests measures the time.
func TestVisitsAreDividedByWeight(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, 2000)
	c.job.Throttle = 0 // on a busy machine hosts are slow
	c.Workers(2, "--concurrency", "3")
	c.Scheduler()
	c.begin()
	c.waitForMore(100) // until then the only job has every place
	_, site := c.createJob(10, 2000, func(j *crawler.Job) { j.Weight, j.Throttle = 3, 0 })
	began := func(l *testsite.Log) bool { return l.Len() > 600 } // by then the late start is compensated
	if err := site.Until(testfleet.Patience(t), began); err != nil {
		t.Fatal(err)
	}
	light, heavy := c.site.Len(), site.Len()
	window := size(30*time.Second, time.Minute)
	requests := 6 * int(window/delay) // of six places
	err := site.Until(testfleet.Patience(t), func(l *testsite.Log) bool {
		return l.Len()-heavy+c.site.Len()-light >= requests
	})
	if err != nil {
		t.Fatal(err)
	}
	light, heavy = c.site.Len()-light, site.Len()-heavy
	if part := float64(light+heavy) / 4; math.Abs(float64(light)/part-1) > 0.1 {
		t.Errorf("with weights 1 and 3, the jobs made %d and %d requests, want a ratio of 1 to 3 within a tenth", light,
			heavy)
	}
	t.Logf("%d and %d requests, 1 to %.2f", light, heavy, float64(heavy)/float64(light))
}
