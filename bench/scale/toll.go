package main

import (
	"context"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/bench/redisinfo"
	"github.com/trawlcrawler/trawl/bench/simweb"
	"github.com/trawlcrawler/trawl/crawler"
)

// reading is what the machine has spent so far.
type reading struct {
	at       time.Time
	house    time.Duration      // processor time of this process
	redis    []time.Duration    // of each node
	commands redisinfo.Commands // of all nodes
}

// read takes a reading.
func (m *memory) read(ctx context.Context) (r reading, err error) {
	r.commands = redisinfo.Commands{}
	for _, n := range m.nodes {
		said, err := n.Info(ctx, "cpu", "commandstats").Result()
		if err != nil {
			return r, err
		}
		fields := redisinfo.Fields(said)
		user, _ := strconv.ParseFloat(fields["used_cpu_user"], 64)
		system, _ := strconv.ParseFloat(fields["used_cpu_sys"], 64)
		r.redis = append(r.redis, time.Duration((user+system)*float64(time.Second)))
		commands, err := redisinfo.CommandsOf(fields)
		if err != nil {
			return r, err
		}
		r.commands.Add(commands)
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return r, err
	}
	r.house, r.at = time.Duration(usage.Utime.Nano()+usage.Stime.Nano()), time.Now()
	return r, nil
}

// toll is what a scenario took.
type toll struct {
	scenario scenario
	job      crawler.Job
	web      *simweb.Web
	counters crawler.Counters
	account  simweb.Account
	wall     time.Duration
	house    time.Duration
	redis    []time.Duration
	keys     []int64 // of each node, in the end
	peak     int64   // bytes of all nodes together
	commands redisinfo.Commands
	top      int // how many commands to list
}

// since fills in what was spent between two readings.
func (t *toll) since(before, after reading) {
	t.wall, t.house = after.at.Sub(before.at), after.house-before.house
	t.commands = after.commands.Since(before.commands)
	for i := range after.redis {
		t.redis = append(t.redis, after.redis[i]-before.redis[i])
	}
}

// sample notes the most memory that the nodes have used, until ctx ends.
func (m *memory) sample(ctx context.Context, peak *int64) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		if used, err := m.used(ctx); err == nil {
			*peak = max(*peak, used)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// used is how much memory the data of the nodes take.
func (m *memory) used(ctx context.Context) (sum int64, err error) {
	for _, n := range m.nodes {
		used, err := usedOf(ctx, n)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

func usedOf(ctx context.Context, n *redis.Client) (int64, error) {
	said, err := n.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(redisinfo.Fields(said)["used_memory"], 10, 64)
}
