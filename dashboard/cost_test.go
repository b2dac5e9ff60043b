package dashboard_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A cost is what one request of a page takes.
type cost struct {
	commands int     // of Redis, those of scripts included
	micros   float64 // of processor time of Redis
}

// costPages are what the dashboard shows of a job and of the fleet. %s is the job.
var costPages = []string{
	"/", "/jobs/%s", "/jobs/%s/hosts", "/jobs/%s/hosts?q=h7.test", "/jobs/%s/hosts/h7.test", "/jobs/%s/errors",
	"/jobs/%s/pages", "/jobs/%s/seed", "/jobs/%s/settings",
	"/api/v1/jobs", "/api/v1/workers", "/api/v1/jobs/%s", "/api/v1/jobs/%s/hosts", "/api/v1/jobs/%s/hosts?limit=1000",
	"/api/v1/jobs/%s/errors", "/api/v1/jobs/%s/distributions", "/api/v1/jobs/%s/history", "/metrics",
}

// grow makes a job of many hosts directly in Redis: it copies the keys of one real host, whose
// URLs wait, and counts the copies. Packed entries repeat neither scheme nor host, so the copies
// are what the frontier would have made.
const grow = `
local base, from, to, model = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local host = redis.call('HGETALL', base .. 'host:' .. model)
local band, urls = 0, {}
for b = 0, 3 do
  local waiting = redis.call('LRANGE', base .. 'queue:' .. b .. ':' .. model, 0, -1)
  if #waiting > 0 then band, urls = b, waiting end
end
local now = redis.call('TIME')
local due = string.format('%d', now[1] * 1000)
for i = from, to - 1 do
  local name = 'h' .. i .. '.test'
  redis.call('HSET', base .. 'host:' .. name, unpack(host))
  redis.call('RPUSH', base .. 'queue:' .. band .. ':' .. name, unpack(urls))
  redis.call('ZADD', base .. 'due', due + i % 100000, name)
end
redis.call('HINCRBY', base .. 'count', 'hosts', to - from)
redis.call('HINCRBY', base .. 'count', 'seen', (to - from) * #urls)
redis.call('HINCRBY', base .. 'count', 'waiting', (to - from) * #urls)
return 0`

// synthetic creates a running job with a number of hosts, each with ten waiting URLs.
func (f *realFleet) synthetic(name string, hosts int) {
	f.t.Helper()
	var seeds []string
	for i := range 10 {
		seeds = append(seeds, fmt.Sprintf("http://h0.test/page/%d", i))
	}
	f.run(name, seeds...)
	for from := 1; from < hosts; from += 5000 {
		f.must(f.eval(grow, "trawl:{"+name+"/0}:", from, min(from+5000, hosts), "h0.test"))
	}
}

// measure returns what a request takes, on average over some.
func (f *realFleet) measure(path string, times int) cost {
	f.t.Helper()
	var least []int
	before := f.processorTime()
	for range times {
		least = append(least, f.cost(path))
	}
	// The command that reads the number counts as well.
	return cost{slices.Min(least) - 1, (f.processorTime() - before) / float64(times)}
}

// processorTime returns how much processor time Redis has used, in microseconds.
func (f *realFleet) processorTime() (micros float64) {
	f.t.Helper()
	for line := range strings.Lines(f.info("cpu")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			seconds, err := strconv.ParseFloat(value, 64)
			f.must(err)
			micros += seconds * 1e6
		}
	}
	return micros
}

// TestWhatAPageCostsDoesNotGrow measures what each page and each list of the API costs Redis, for a
// small job and for a large one: the number of commands is the same. The table in docs/dashboard.md
// is the output of
//
//	TRAWL_BENCH=10m go test -v -run WhatAPageCosts ./dashboard
//
// with ten million URLs of a million hosts, which takes 1.5 GB of memory.
func TestWhatAPageCostsDoesNotGrow(t *testing.T) {
	t.Parallel()
	sizes, times := map[string]int{"small": 2000, "large": 8000}, 3
	if os.Getenv("TRAWL_BENCH") == "10m" {
		sizes, times = map[string]int{"hosts10k": 10_000, "hosts100k": 100_000, "hosts1m": 1_000_000}, 20
	}
	names := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return cmp.Compare(sizes[a], sizes[b]) })
	got, fleets := make(map[string]map[string]cost), make(map[string]*realFleet)
	for _, name := range names {
		f := newRealFleet(t)
		fleets[name] = f
		f.synthetic(name, sizes[name])
		if times > 3 {
			f.openTenPages(name)
		}
		got[name] = make(map[string]cost)
		for _, page := range costPages {
			path := strings.ReplaceAll(page, "%s", name)
			f.measure(path, 1) // fills the caches that last for a moment
			got[name][page] = f.measure(path, times)
		}
	}
	for _, page := range costPages {
		row := fmt.Sprintf("| `%s` |", strings.ReplaceAll(page, "%s", "JOB"))
		small := got[names[0]][page].commands
		for _, name := range names {
			c := got[name][page]
			row += fmt.Sprintf(" %d | %.1f |", c.commands, c.micros/1000)
			// On a busy machine, these caches may be empty before each request.
			for tries := 0; c.commands > small+small/20+3 && tries < 50; tries++ {
				c = fleets[name].measure(strings.ReplaceAll(page, "%s", name), times)
			}
			if c.commands > small+small/20+3 {
				t.Errorf("%s takes %d commands with %d hosts, and %d with %d", page, small, sizes[names[0]], c.commands,
					sizes[name])
			}
		}
		t.Log(row)
	}
}

// openTenPages logs how much of Redis ten open pages of a job take: each has a stream, and is read
// again every ten seconds.
func (f *realFleet) openTenPages(job string) {
	f.t.Helper()
	const pages, seconds = 10, 20
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	for range pages {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+"/jobs/"+job+"/live?pages=false", nil)
		f.must(err)
		response, err := http.DefaultClient.Do(r)
		f.must(err)
		defer response.Body.Close()
		go func() { _, _ = io.Copy(io.Discard, response.Body) }() // until the page is closed
	}
	before, commands := f.processorTime(), f.commands()
	for range seconds { // one of the ten each second
		f.cost("/jobs/" + job)
		time.Sleep(time.Second)
	}
	f.t.Logf("%s: ten open pages take %.2f %% of a processor, and %d commands a second", job,
		(f.processorTime()-before)/seconds/1e6*100, (f.commands()-commands)/seconds)
}
