package faults_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// Any number of schedulers may run, and each may be killed at any moment.
func TestSchedulersAreKilledWhileOthersRun(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 20, size(45, 500))
	schedulers := []*testfleet.Process{c.Scheduler(), c.Scheduler(), c.Scheduler()}
	c.Workers(2, "--concurrency", "5") // so that hosts always wait to be armed
	c.begin()
	kills := 0
	for range size(4, 50) {
		c.waitForMore(150)
		i := rand.IntN(len(schedulers))
		schedulers[i].Kill()
		kills++
		schedulers[i] = c.Scheduler()
	}
	c.wantUnbroken(0)
	t.Logf("%d schedulers were killed, with 2 others running", kills)
}

func TestSeveralSchedulersWorkLikeOne(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"two": 2, "three": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, 20, size(20, 200))
			var schedulers []*testfleet.Process
			for range n {
				schedulers = append(schedulers, c.Scheduler())
			}
			c.Workers(2)
			c.begin()
			c.wantUnbroken(0)
			queue, err := c.inspector().GetQueueInfo(c.job.Name)
			if err != nil {
				t.Fatal(err)
			}
			tasks, visits := int64(queue.ProcessedTotal), c.visits() // a task carries one visit or several
			if tasks == 0 || tasks > visits || queue.FailedTotal > 0 {
				t.Errorf("%d tasks were processed and %d failed, want at most one for each of %d visits", tasks,
					queue.FailedTotal, visits)
			}
			ends := 0
			for _, s := range schedulers {
				ends += strings.Count(s.Log(), `msg="the job is done"`)
			}
			if ends != 1 {
				t.Errorf("%d schedulers log that they ended the job, want 1", ends)
			}
		})
	}
}

// visits returns how many visits were opened.
func (c *crawl) visits() int64 {
	c.t.Helper()
	counters, err := c.Client.Counters(testfleet.Soon(c.t), c.job.Name)
	if err != nil {
		c.t.Fatal(err)
	}
	return counters.Visits
}

// wantUnbroken checks that a crawl was complete and that no visit broke.
func (c *crawl) wantUnbroken(again int) {
	c.t.Helper()
	if sum := c.wantComplete(again); sum.counters.Broken > 0 {
		c.t.Errorf("%d visits broke, want none", sum.counters.Broken)
	}
}

// Open visits continue without a scheduler; new ones wait for one.
func TestACrawlWaitsForASchedulerAndContinues(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 20, size(40, 300))
	only := c.Scheduler()
	c.Workers(2, "--concurrency", "3") // so that hosts always wait to be armed
	c.begin()
	for range size(2, 10) {
		c.waitForMore(100)
		only.Kill()
		pause(t.Context(), between(0, size(3*time.Second, 20*time.Second)))
		only = c.Scheduler()
	}
	c.wantUnbroken(0)
}
