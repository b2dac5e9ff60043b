package faults_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// readyz requests /readyz of a process.
func readyz(t *testing.T, p *testfleet.Process) (status int, text string) {
	t.Helper()
	answer, err := http.Get("http://" + p.Address() + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body)
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	soon := testfleet.Soon(t)
	for !condition() {
		if !pause(soon, 20*time.Millisecond) {
			t.Fatalf("after ten minutes this condition does not hold: %s", what)
		}
	}
}

// waitNotReady waits until /readyz fails with a text.
func waitNotReady(t *testing.T, p *testfleet.Process, want string) {
	t.Helper()
	last := ""
	defer func() {
		if t.Failed() {
			t.Logf("the last answer of %s: %s", p.Name, last)
		}
	}()
	eventually(t, "/readyz of "+p.Name+" says "+want, func() bool {
		status, text := readyz(t, p)
		last = text
		return status == http.StatusServiceUnavailable && strings.Contains(text, want)
	})
}

// waitReady waits until /readyz succeeds.
func waitReady(t *testing.T, p *testfleet.Process) {
	t.Helper()
	eventually(t, p.Name+" is ready again", func() bool { status, _ := readyz(t, p); return status == http.StatusOK })
}

// When Redis is full, an operator inspects it and frees memory by ending and removing jobs.
// Commands that read or remove must still work, in running processes and in new ones.
func TestAFullRedisCanBeManagedByCommands(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, size(40, 200))
	worker, scheduler := c.Worker("--concurrency", "10"), c.Scheduler()
	c.begin()
	other := c.job
	other.Name = redistest.Name(t)
	c.waitForMore(50)
	c.Create(other)
	eventually(t, "the other job runs", func() bool {
		status, err := c.Client.Status(t.Context(), other.Name)
		return err == nil && status.State == crawler.StateRunning
	})
	c.setMemory("1mb")
	waitNotReady(t, worker, "Redis is full")
	waitNotReady(t, scheduler, "Redis is full")
	for _, args := range [][]string{
		{"job", "ls"}, {"job", "show", c.job.Name}, {"job", "pause", c.job.Name}, {"job", "resume", c.job.Name},
		{"explain", c.job.Name, c.job.Seeds[0]}, {"export", c.Out + "/" + c.job.Name},
		{"job", "cancel", other.Name}, {"job", "rm", other.Name},
	} {
		if output, status := c.Run(args...); status != 0 {
			t.Errorf("trawl %s exits with %d: %s", strings.Join(args, " "), status, output)
		}
	}
	if output, _ := c.Run("job", "ls"); strings.Contains(output, other.Name) {
		t.Errorf("the removed job is listed: %s", output)
	}
	c.setMemory("0")
	waitReady(t, worker)
	c.Done(c.job.Name)
	if keys := c.redis.Keys(t.Context(), "*"+other.Name+"*").Val(); len(keys) > 0 {
		t.Errorf("keys of the removed job remain: %q", keys)
	}
	c.wantRunning([]*testfleet.Process{worker, scheduler})
}

// An operator starts another version of trawl on the Redis of a fleet, or empties the Redis.
func TestTheSchemaChangesDuringACrawl(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, size(40, 200))
	worker, scheduler := c.Worker("--concurrency", "10"), c.Scheduler()
	c.begin()
	c.waitForMore(50)
	ours := c.redis.Get(testfleet.Soon(t), "trawl:schema").Val()
	c.set("trawl:schema", "27")
	for _, p := range []*testfleet.Process{worker, scheduler} {
		waitNotReady(t, p, "another version of trawl")
		p.Says("this process leaves the jobs alone")
	}
	c.quiet()
	if output, status := c.Run("job", "ls"); status == 0 || !strings.Contains(output, `version "27"`) {
		t.Errorf("job ls exits with %d and prints %s", status, output)
	}
	c.set("trawl:schema", ours)
	worker.Says("of this version of trawl again")
	waitReady(t, worker)
	c.Done(c.job.Name)
	if got := testfleet.Pages(c.Export(c.job.Name)); len(got) != len(c.graph.URLs(c.site)) {
		t.Errorf("%d pages are exported, want %d", len(got), len(c.graph.URLs(c.site)))
	}
}

func TestRedisIsEmptiedDuringACrawl(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, 400)
	worker, scheduler := c.Worker("--concurrency", "10"), c.Scheduler()
	c.begin()
	c.waitForMore(50)
	if err := c.redis.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*testfleet.Process{worker, scheduler} {
		p.Says("Redis has lost its data")
	}
	c.quiet()
	small := c.job
	small.Name, small.Pages = redistest.Name(t), 20
	c.Create(small)
	if n := c.Done(small.Name).Pages(); n != 20 {
		t.Errorf("the next job fetched %d pages, want 20", n)
	}
}

// set sets a key of Redis.
func (c *crawl) set(key, value string) {
	c.t.Helper()
	if err := c.redis.Set(testfleet.Soon(c.t), key, value, 0).Err(); err != nil {
		c.t.Fatal(err)
	}
}
