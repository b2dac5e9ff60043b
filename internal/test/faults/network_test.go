package faults_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// A worker that cannot reach Redis and gets no error uses its own clock to know when others may
// visit its hosts, and makes no more requests from then on.
func TestAWorkerIsCutOffFromRedis(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, size(250, 3000))
	c.Scheduler()
	network := newProxy(t, c.Redis.TCP)
	cutOff := c.Worker("--redis", network.URL(), "--concurrency", "5")
	other := c.Worker("--concurrency", "10")
	c.begin()
	again, cuts := 0, 0
	for cuts < size(1, 5) && len(c.takenBy(cutOff)) > 0 && c.waitForMore(100) { // in the middle of its visits
		cuts++
		network.cut()
		at := time.Now()
		hosts, inFlight := c.heldBy(cutOff)
		for before := -1; before != inFlight; { // Redis may still read what came before the cut
			before = inFlight
			pause(t.Context(), 200*time.Millisecond)
			hosts, inFlight = c.heldBy(cutOff)
		}
		again += inFlight
		for _, host := range hosts {
			c.requestedAgain(host, at.Add(frontier.Lease))
		}
		pause(t.Context(), time.Until(at.Add(size(17*time.Second, time.Minute))))
		network.restore()
		c.takenBy(cutOff) // the worker continues
	}
	sum := c.wantComplete(again)
	if sum.counters.Broken == 0 {
		t.Error("no visit broke: no worker was cut off")
	}
	t.Logf("%d times a worker was cut off; %d visits broke", cuts, sum.counters.Broken)
	c.wantRunning([]*testfleet.Process{cutOff, other})
}

// takenBy waits until a worker holds hosts, or the job has ended.
func (c *crawl) takenBy(worker *testfleet.Process) []string {
	c.t.Helper()
	for {
		hosts, _ := c.heldBy(worker)
		if len(hosts) > 0 || !c.runs() {
			return hosts
		}
		if !pause(testfleet.Patience(c.t), 20*time.Millisecond) {
			c.t.Fatalf("%s gets no host to visit", worker.Name)
		}
	}
}
