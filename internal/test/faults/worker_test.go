package faults_test

import (
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// maxHandOver is the maximum time until the hosts of a killed worker are visited again: design,
// promises.
const maxHandOver = 15 * time.Second

// Killed workers are replaced, as a service manager would do.
func TestWorkersAreKilledRepeatedly(t *testing.T) {
	t.Parallel()
	kills, hosts, pages := size(8, 100), 40, size(40, 500)
	c := newCrawl(t, hosts, pages)
	c.Scheduler()
	workers := c.Workers(4, "--concurrency", "12")
	c.begin()
	c.waitForMore(hosts)

	deaths := make([]workerDeath, 0, kills)
	inFlight, tries := 0, make(losses)
	for len(deaths) < kills && pause(testfleet.Patience(t), between(500*time.Millisecond, 2500*time.Millisecond)) {
		i := c.busy(workers)
		if !tries.mayLose(c.hosts(), workers[i].Name) {
			continue
		}
		workers[i].Kill()
		at := time.Now()
		tries.lost(c.hosts(), workers[i].Name)
		hosts, urls := c.heldBy(workers[i])
		deaths = append(deaths, workerDeath{at, hosts})
		inFlight += urls
		workers[i] = c.Worker("--concurrency", "12")
	}
	c.wantComplete(inFlight)
	times := c.handOvers(deaths)
	if len(times) == 0 {
		t.Fatal("no worker held a host when it was killed")
	}
	most := slices.Max(times)
	t.Logf("%d kills; hand-over of %d hosts: median %v, max %v", len(deaths), len(times),
		median(times).Round(time.Millisecond), most.Round(time.Millisecond))
	testfleet.Within(t, "the last host of a killed worker is visited again", most, maxHandOver)
}

// busy picks a random worker that holds hosts, or any worker if none does.
func (c *crawl) busy(workers []*testfleet.Process) int {
	c.t.Helper()
	order := rand.Perm(len(workers))
	for _, i := range order {
		if hosts, _ := c.heldBy(workers[i]); len(hosts) > 0 {
			return i
		}
	}
	return order[0]
}

// losses has, for each host, how many workers were lost with URLs that it still has. A URL with which
// three workers were lost is given up, as one that may be what kills them.
type losses map[crawler.Host]struct {
	workers int
	until   int64 // the host's pages once those URLs are fetched
}

// mayLose reports whether a worker may be killed, so that none of its URLs is given up. One more loss
// is left for a host that the worker visits in the next moment.
func (l losses) mayLose(hosts []crawler.HostStatus, worker string) bool {
	for _, h := range hosts {
		lost := l[h.Host]
		if h.Worker == worker && h.State == queue.HostOpen && h.Pages < lost.until && lost.workers > 0 {
			return false
		}
	}
	return true
}

// lost notes that a worker was killed.
func (l losses) lost(hosts []crawler.HostStatus, worker string) {
	for _, h := range hosts {
		if h.Worker != worker || h.State != queue.HostOpen {
			continue
		}
		lost := l[h.Host]
		if h.Pages >= lost.until {
			lost.workers = 0
		}
		lost.workers, lost.until = lost.workers+1, h.Pages+h.Flight
		l[h.Host] = lost
	}
}

// hosts returns what is known of all hosts.
func (c *crawl) hosts() []crawler.HostStatus {
	c.t.Helper()
	all, err := c.Client.Hosts(testfleet.Soon(c.t), c.job.Name, c.graph.Hosts)
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// workerDeath is the end of a worker that held some hosts.
type workerDeath struct {
	at    time.Time
	hosts []string
}

// heldBy returns the hosts that a worker holds, and the number of their URLs in flight. A dead
// worker holds its hosts until they are swept.
func (c *crawl) heldBy(worker *testfleet.Process) (hosts []string, inFlight int) {
	c.t.Helper()
	for _, h := range c.hosts() {
		if h.Worker == worker.Name && h.State == queue.HostOpen {
			hosts = append(hosts, string(h.Host))
			inFlight += int(h.Flight)
		}
	}
	return hosts, inFlight
}

// handOvers returns how long after each death each host of the dead worker was visited again. A
// host that was never visited again had no pages left.
func (c *crawl) handOvers(deaths []workerDeath) []time.Duration {
	byHost := c.site.ByHost()
	var times []time.Duration
	for _, d := range deaths {
		for _, host := range d.hosts {
			for _, r := range byHost[host] {
				if r.Start.After(d.at) {
					times = append(times, r.Start.Sub(d.at))
					break
				}
			}
		}
	}
	return times
}

// A worker is stopped for longer than its lease, as on a machine that swaps or in a paused
// container. Its hosts have been given to others by then.
func TestAWorkerStoppedLongerThanItsLeaseIsRefused(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, size(150, 1500))
	c.Scheduler()
	workers := c.Workers(3, "--concurrency", "10")
	c.begin()
	again, stops := 0, 0
	for stops < size(2, 20) && c.waitForMore(60) {
		frozen := workers[c.busy(workers)]
		stops++
		frozen.Signal(syscall.SIGSTOP)
		before := time.Now()
		hosts, inFlight := c.heldBy(frozen)
		again += inFlight
		for _, host := range hosts {
			c.requestedAgain(host, before)
		}
		frozen.Signal(syscall.SIGCONT)
	}
	sum := c.wantComplete(again)
	if sum.counters.Broken == 0 {
		t.Error("no visit broke: no worker was stopped long enough")
	}
	t.Logf("workers were stopped %d times; %d visits broke", stops, sum.counters.Broken)
	for _, w := range workers {
		if !w.Lives() {
			t.Errorf("%s has exited", w.Name)
		}
	}
}

// A fleet is upgraded by ending its workers one after the other and starting others.
func TestARollingRestartNeitherLosesNorRepeatsPages(t *testing.T) {
	t.Parallel()
	const maxTime = 10 * time.Second // the time to exit after SIGTERM: design, promises
	c := newCrawl(t, 20, size(40, 500))
	c.Scheduler()
	workers := c.Workers(4, "--concurrency", "20")
	c.begin()
	var took []time.Duration
	for range size(1, 5) {
		for i, w := range workers {
			c.waitForMore(50)
			ended := w.Terminate()
			took = append(took, ended)
			testfleet.Within(t, w.Name+" ends", ended, maxTime)
			workers[i] = c.Worker("--concurrency", "20")
		}
	}
	if sum := c.wantComplete(0); sum.counters.Broken > 0 {
		t.Errorf("%d visits broke, want none after SIGTERM", sum.counters.Broken)
	}
	t.Logf("%d workers ended in %v (median), %v (max)", len(took), median(took).Round(time.Millisecond),
		slices.Max(took).Round(time.Millisecond))
}
