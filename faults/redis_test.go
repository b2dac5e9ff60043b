package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/testfleet"
)

// Redis is killed and started again at once, or a little later. With appendfsync
// always it has all that it ever acknowledged, so that nothing is fetched twice
// but what was acknowledged to nobody; with everysec the kernel still has what a
// killed process wrote, and only a machine that fails loses up to a second.
func TestRedisIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	for _, fsync := range []string{"always", "everysec"} {
		t.Run(fsync, func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, 20, size(120, 500), "--appendfsync", fsync)
			processes := append(c.Workers(3, "--concurrency", "10"), c.Scheduler(), c.Scheduler())
			c.begin()
			kills, again := size(3, 20), 0
			for range kills {
				c.goesOn(100)
				again += c.killRedis(between(0, 3*time.Second))
			}
			c.whole(again)
			c.live(processes)
			t.Logf("%d kills of Redis with appendfsync %s", kills, fsync)
		})
	}
}

// killRedis kills Redis and starts it again after a while. It returns how many
// URLs are in flight in what it has then: as many may be fetched again.
func (c *crawl) killRedis(after time.Duration) (inFlight int) {
	c.t.Helper()
	c.Redis.Kill()
	pause(c.t.Context(), after)
	if err := c.Redis.Restart(testfleet.Soon(c.t)); err != nil {
		c.t.Fatal(err)
	}
	numbers, err := c.Client.Counters(testfleet.Soon(c.t), c.job.Name)
	if err != nil {
		c.t.Fatal(err)
	}
	return int(numbers.Flight)
}

// live checks that processes have not ended.
func (c *crawl) live(processes []*testfleet.Process) {
	c.t.Helper()
	for _, p := range processes {
		if !p.Lives() {
			c.t.Errorf("%s has ended", p.Name)
		}
		if strings.Contains(p.Log(), "panic:") {
			c.t.Errorf("%s panicked", p.Name)
		}
	}
}

// Under noeviction a Redis that is full refuses what would make it larger: URLs
// are neither taken nor admitted, until there is room again.
func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 20, size(60, 300))
	processes := append(c.Workers(2, "--concurrency", "10"), c.Scheduler())
	c.begin()
	for range size(2, 10) {
		c.goesOn(100)
		c.setMemory("1mb")
		c.quiet()
		before := c.site.Len()
		pause(t.Context(), size(3*time.Second, 15*time.Second))
		if asked := c.site.Len() - before; asked > 0 {
			t.Errorf("%d requests were made while Redis was full, want none", asked)
		}
		c.setMemory("0")
	}
	c.whole(0)
	c.live(processes)
}

// setMemory sets the most memory of Redis; "0" is as much as there is.
func (c *crawl) setMemory(most string) {
	c.t.Helper()
	if err := c.redis.ConfigSet(testfleet.Soon(c.t), "maxmemory", most).Err(); err != nil {
		c.t.Fatal(fmt.Errorf("set maxmemory %s: %w", most, err))
	}
}

// quiet waits until the site was not asked for anything for a while: what was
// taken before is done, and nothing more is taken.
func (c *crawl) quiet() {
	c.t.Helper()
	const silence = 2 * time.Second
	for {
		before := c.site.Len()
		if !pause(testfleet.Soon(c.t), silence) {
			c.t.Fatal("the site is asked on and on while Redis is full")
		}
		if c.site.Len() == before {
			return
		}
	}
}
