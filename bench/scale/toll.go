package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/bench/simweb"
	"github.com/trawlcrawler/trawl/crawler"
)

// reading is what the machine has spent so far.
type reading struct {
	at       time.Time
	house    time.Duration   // processor time of this process
	redis    []time.Duration // of each node
	commands []map[string]command
}

// command is what a node did of one command.
type command struct {
	calls int64
	took  time.Duration
}

// read takes a reading.
func (m *memory) read(ctx context.Context) (r reading, err error) {
	for _, n := range m.nodes {
		said, err := n.Info(ctx, "cpu", "commandstats").Result()
		if err != nil {
			return r, err
		}
		fields := fieldsOf(said)
		user, _ := strconv.ParseFloat(fields["used_cpu_user"], 64)
		system, _ := strconv.ParseFloat(fields["used_cpu_sys"], 64)
		r.redis = append(r.redis, time.Duration((user+system)*float64(time.Second)))
		r.commands = append(r.commands, commandsOf(fields))
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return r, err
	}
	r.house, r.at = time.Duration(usage.Utime.Nano()+usage.Stime.Nano()), time.Now()
	return r, nil
}

// fieldsOf reads what INFO says.
func fieldsOf(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

// commandsOf reads the section commandstats.
func commandsOf(fields map[string]string) map[string]command {
	all := make(map[string]command)
	for name, value := range fields {
		if name, ok := strings.CutPrefix(name, "cmdstat_"); ok {
			var c command
			var micros int64
			if _, err := fmt.Sscanf(value, "calls=%d,usec=%d,", &c.calls, &micros); err == nil {
				c.took = time.Duration(micros) * time.Microsecond
				all[name] = c
			}
		}
	}
	return all
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
	commands map[string]command
}

// since fills in what was spent between two readings.
func (t *toll) since(before, after reading) {
	t.wall, t.house = after.at.Sub(before.at), after.house-before.house
	t.commands = make(map[string]command)
	for i := range after.redis {
		t.redis = append(t.redis, after.redis[i]-before.redis[i])
		for name, c := range after.commands[i] {
			was, sum := before.commands[i][name], t.commands[name]
			t.commands[name] = command{sum.calls + c.calls - was.calls, sum.took + c.took - was.took}
		}
	}
}

// busiest are the commands that took most of the time of Redis.
func (t *toll) busiest(n int) []string {
	var all []string
	for name := range t.commands {
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(t.commands[b].took, t.commands[a].took) })
	return all[:min(n, len(all))]
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
	return strconv.ParseInt(fieldsOf(said)["used_memory"], 10, 64)
}
