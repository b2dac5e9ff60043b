package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// Redis is killed and restarted at once or a little later. With appendfsync always it has every
// acknowledged write, so only URLs whose settlement was not acknowledged are fetched twice. With
// everysec the kernel still has the writes of a killed process; only a machine that fails loses up
// to a second.
func TestRedisIsKilledAndRestarted(t *testing.T) {
	t.Parallel()
	for _, fsync := range []string{"always", "everysec"} {
		t.Run(fsync, func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, 20, size(60, 500), "--appendfsync", fsync)
			processes := append(c.Workers(3, "--concurrency", "10"), c.Scheduler(), c.Scheduler())
			c.begin()
			kills, again := size(2, 20), 0
			for range kills {
				c.waitForMore(100)
				again += c.killRedis(between(0, 3*time.Second))
			}
			c.wantComplete(again)
			c.wantRunning(processes)
			t.Logf("%d kills of Redis with appendfsync %s", kills, fsync)
		})
	}
}

// killRedis kills Redis and starts it again after a while. It returns how many URLs are in flight
// in the restored data: at most as many may be fetched again.
func (c *crawl) killRedis(after time.Duration) (inFlight int) {
	c.t.Helper()
	c.Redis.Kill()
	pause(c.t.Context(), after)
	if err := c.Redis.Restart(testfleet.Soon(c.t)); err != nil {
		c.t.Fatal(err)
	}
	counters, err := c.Client.Counters(testfleet.Soon(c.t), c.job.Name)
	if err != nil {
		c.t.Fatal(err)
	}
	return int(counters.Flight)
}

// wantRunning checks that processes are running.
func (c *crawl) wantRunning(processes []*testfleet.Process) {
	c.t.Helper()
	for _, p := range processes {
		if !p.Lives() {
			c.t.Errorf("%s has exited", p.Name)
		}
		if strings.Contains(p.Log(), "panic:") {
			c.t.Errorf("%s panicked", p.Name)
		}
	}
}

// With maxmemory-policy noeviction, a full Redis refuses all commands that need more memory: URLs
// are neither taken nor admitted until memory is free again.
func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 20, size(60, 300))
	processes := append(c.Workers(2, "--concurrency", "10"), c.Scheduler())
	c.begin()
	for range size(2, 10) {
		c.waitForMore(100)
		c.setMemory("1mb")
		c.quiet()
		before := c.site.Len()
		pause(t.Context(), size(3*time.Second, 15*time.Second))
		if asked := c.site.Len() - before; asked > 0 {
			t.Errorf("%d requests were made while Redis was full, want none", asked)
		}
		c.setMemory("0")
	}
	c.wantComplete(0)
	c.wantRunning(processes)
}

// setMemory sets maxmemory of Redis; "0" means no limit.
func (c *crawl) setMemory(most string) {
	c.t.Helper()
	if err := c.redis.ConfigSet(testfleet.Soon(c.t), "maxmemory", most).Err(); err != nil {
		c.t.Fatal(fmt.Errorf("set maxmemory %s: %w", most, err))
	}
}

// quiet waits until the site has received no request for a while: the taken URLs are done, and no
// others are taken.
func (c *crawl) quiet() {
	c.t.Helper()
	const silence = 2 * time.Second
	for {
		before := c.site.Len()
		if !pause(testfleet.Soon(c.t), silence) {
			c.t.Fatal("requests do not stop while Redis is full")
		}
		if c.site.Len() == before {
			return
		}
	}
}
