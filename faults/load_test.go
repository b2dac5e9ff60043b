package faults_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
	"github.com/trawlcrawler/trawl/internal/testsite"
)

// another is a job on a site of its own.
func (c *crawl) another(hosts, pagesPerHost int, change func(*crawler.Job)) crawler.Job {
	c.t.Helper()
	graph := testsite.Graph{Hosts: hosts, PagesPerHost: pagesPerHost, LinksPerPage: 6, Seed: 6}
	site, job := graph.Serve(c.t), crawler.DefaultJob()
	job.Name, job.Delay = redistest.Name(c.t), crawler.Duration(delay)
	for _, root := range graph.Roots() {
		job.Seeds = append(job.Seeds, site.URL(root.Host, graph.Path(root.Page)))
	}
	change(&job)
	c.Create(job)
	return job
}

// With fewer hosts than places the visits lie on all workers alike.
func TestVisitsSpreadOverWorkers(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 6, 40)
	c.job.Delay = crawler.Duration(500 * time.Millisecond)
	workers := c.Workers(4, "--concurrency", "10")
	c.Scheduler()
	c.begin()
	var counts map[string]int
	eventually(t, "six hosts are visited", func() bool {
		hosts, err := c.Client.Hosts(t.Context(), c.job.Name, 100)
		counts = make(map[string]int)
		for _, w := range workers {
			counts[w.Name] = 0
		}
		open := 0
		for _, h := range hosts {
			if h.State == crawler.HostOpen {
				counts[h.Worker]++
				open++
			}
		}
		return err == nil && open == 6
	})
	all := slices.Collect(maps.Values(counts))
	if slices.Max(all)-slices.Min(all) > 1 {
		t.Errorf("six visits lie on four workers as %v, want one or two on each", counts)
	}
}

// No worker holds more tasks than it has places, whatever the number of its jobs.
func TestNoWorkerHoldsMoreTasksThanItHasPlaces(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, 20)
	const places = 4
	c.Workers(2, "--concurrency", "4")
	c.Scheduler()
	c.begin()
	jobs := []string{c.job.Name}
	for range 2 {
		jobs = append(jobs, c.another(10, 20, func(*crawler.Job) {}).Name)
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
	t.Logf("at most %d tasks were held, in %d places", most, 2*places)
}

// active counts the tasks of several jobs that workers hold at one moment. Asked one job
// after the other, a task that ends in one and one that begins in the next count as two.
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

// A worker that is killed leaves tasks to the others at once, although the board says
// that it has room.
func TestAWorkerThatDiesKeepsNoTasksFromTheOthers(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 4, 20)
	idle := c.Worker("--concurrency", "100")
	c.Worker("--concurrency", "5")
	c.Scheduler()
	idle.Kill()
	c.begin()
	c.whole(0)
}
