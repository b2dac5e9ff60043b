package faults_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// victim is a job with a key that becomes garbage while it runs.
type victim struct {
	key   string // JOB, SHARD and HOST stand for the actual names
	value func(c *crawl, key string) error
	job   crawler.Job
}

// Values that a key of the frontier must not have.
func aString(c *crawl, key string) error {
	_ = c.redis.Del(c.t.Context(), key).Err()
	return c.redis.Set(c.t.Context(), key, "garbage", 0).Err()
}

func aList(c *crawl, key string) error {
	_ = c.redis.Del(c.t.Context(), key).Err()
	return c.redis.RPush(c.t.Context(), key, "garbage").Err()
}

func field(name, value string) func(c *crawl, key string) error {
	return func(c *crawl, key string) error { return c.redis.HSet(c.t.Context(), key, name, value).Err() }
}

func member(value string) func(c *crawl, key string) error {
	return func(c *crawl, key string) error {
		return c.redis.ZAdd(c.t.Context(), key, zOf(value)).Err()
	}
}

func pushed(value string) func(c *crawl, key string) error {
	return func(c *crawl, key string) error { return c.redis.LPush(c.t.Context(), key, value).Err() }
}

// victims returns all keys of a job, each with a wrong type; keys with values also with one that
// cannot be decoded.
func victims() []*victim {
	var all []*victim
	for _, key := range []string{
		"trawl:{JOB}:job", "trawl:{JOB}:holds", "trawl:{JOB}:homes", "trawl:{JOB}:troubles", "trawl:{JOB}:ledger",
		"trawl:{JOB/0}:count", "trawl:{JOB/0}:seen:0", "trawl:{JOB/0}:due", "trawl:{JOB/0}:urgent",
		"trawl:{JOB/0}:armed", "trawl:{JOB/0}:open",
		"trawl:{JOB/0}:host:HOST", "trawl:{JOB/0}:queue:1:HOST", "trawl:{JOB/0}:later:HOST",
		"trawl:{JOB/0}:flight:HOST", "trawl:{JOB/0}:failures", "trawl:{JOB/0}:garbage", "trawl:{JOB}:garbage",
		"asynq:{JOB}:pending", "asynq:{JOB}:active", "asynq:{JOB}:lease", "asynq:{JOB}:completed", "asynq:{JOB}:retry",
	} {
		wrong := aString
		if strings.HasSuffix(key, ":homes") || strings.HasSuffix(key, ":holds") {
			wrong = aList
		}
		all = append(all, &victim{key: key, value: wrong})
	}
	return append(all,
		&victim{key: "trawl:{JOB}:job", value: field("settings", `{"name":`)},
		&victim{key: "trawl:{JOB}:job", value: field("settings", `{"name":"another"}`)},
		&victim{key: "trawl:{JOB}:job", value: field("state", "jogging")},
		&victim{key: "trawl:{JOB}:troubles", value: field("w", "garbage")},
		&victim{key: "trawl:{JOB}:ledger", value: field("spent", "many")},
		&victim{key: "trawl:{JOB/0}:count", value: field("waiting", "many")},
		&victim{key: "trawl:{JOB/0}:host:HOST", value: field("epoch", "garbage")},
		&victim{key: "trawl:{JOB/0}:host:HOST", value: field("next", "garbage")},
		&victim{key: "trawl:{JOB/0}:host:HOST", value: field("rules", "{{{")},
		&victim{key: "trawl:{JOB/0}:queue:1:HOST", value: pushed("garbage")},
		&victim{key: "trawl:{JOB/0}:queue:1:HOST", value: pushed("")},
		&victim{key: "trawl:{JOB/0}:later:HOST", value: member("garbage")},
		&victim{key: "trawl:{JOB/0}:flight:HOST", value: field("1:77777", "garbage")},
		&victim{key: "trawl:{JOB/0}:flight:HOST", value: field("garbage", "garbage")},
		&victim{key: "trawl:{JOB/0}:due", value: member("no host at all")},
		&victim{key: "trawl:{JOB/0}:urgent", value: member("no host at all")},
	)
}

// Every key of a job becomes garbage while the job runs, each in a job of its own. The other jobs
// of the fleet must not notice. The job itself ends, or is shown as broken with the key that is the
// reason, and it can be removed.
func TestGarbageInOneJobStopsNoOther(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 4, 150)
	processes := append(c.Workers(1, "--concurrency", "100"), c.Scheduler())
	graph := testsite.Graph{Hosts: 2, PagesPerHost: 60, LinksPerPage: 6, Seed: 6}
	all := victims()
	for _, v := range all {
		site := graph.Serve(t)
		v.job = crawler.DefaultJob()
		v.job.Name, v.job.Delay, v.job.Pages = redistest.Name(t), crawler.Duration(delay), 1000
		for _, root := range graph.Roots() {
			v.job.Seeds = append(v.job.Seeds, site.URL(root.Host, graph.Path(root.Page)))
		}
		c.Create(v.job)
	}
	for _, v := range all {
		eventually(t, v.job.Name+" fetches", func() bool {
			n, err := c.Client.Counters(t.Context(), v.job.Name)
			return err == nil && n.Pages() > 0
		})
		u, err := crawler.ParseURL(v.job.Seeds[0])
		if err != nil {
			t.Fatal(err)
		}
		key := strings.NewReplacer("JOB", v.job.Name, "HOST", string(u.Host())).Replace(v.key)
		if err := v.value(c, key); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	c.begin()
	c.Done(c.job.Name)
	if said, status := c.Run("job", "ls"); status != 0 || !strings.Contains(said, all[0].job.Name) {
		t.Errorf("job ls exits with %d: %s", status, said)
	}
	var removing sync.WaitGroup
	room := make(chan struct{}, 10)
	for _, v := range all {
		room <- struct{}{}
		removing.Go(func() { defer func() { <-room }(); c.wantEnd(v) })
	}
	removing.Wait()
	c.live(processes)
}

// wantEnd waits until a victim has ended or is broken, and removes it.
func (c *crawl) wantEnd(v *victim) {
	fate, said := "", ""
	soon := testfleet.Soon(c.t)
	for fate == "" {
		var status int
		if said, status = c.Run("job", "show", v.job.Name); status != 0 {
			c.t.Errorf("%s: job show exits with %d: %s", v.key, status, said)
			return
		}
		for _, state := range []crawler.State{crawler.StateDone, crawler.StateBroken} {
			if strings.Contains(said, string(state)) {
				fate = string(state)
			}
		}
		if fate == "" && !pause(soon, delay) {
			c.t.Errorf("%s: the job neither ends nor is shown as broken: %s", v.key, said)
			return
		}
	}
	c.t.Logf("%-32s %s %s", v.key, fate, brief(said))
	if said, status := c.Run("job", "rm", v.job.Name); status != 0 {
		c.t.Errorf("%s: job rm exits with %d: %s", v.key, status, said)
	}
	left := c.redis.Keys(c.t.Context(), fmt.Sprintf("*%s*", v.job.Name)).Val()
	if len(left) > 0 || c.redis.SIsMember(c.t.Context(), "trawl:jobs", v.job.Name).Val() {
		c.t.Errorf("%s: job rm left the keys %q", v.key, left)
	}
}

// brief extracts the states and errors from the output of job show.
func brief(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		for _, begins := range []string{"state", "pages", "waiting", "garbage"} {
			if strings.HasPrefix(line, begins) {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return strings.Join(lines, " | ")
}

// Keys that all jobs share become garbage while a fleet runs.
func TestGarbageInSharedKeysIsRepaired(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, 60)
	worker, scheduler := c.Worker("--concurrency", "10"), c.Scheduler()
	c.begin()
	c.waitForMore(50)
	for _, key := range []string{"trawl:jobs", "trawl:fleet", "trawl:probe", "trawl:workers", "asynq:queues",
		"asynq:servers", "asynq:workers"} {
		if err := aString(c, key); err != nil {
			t.Fatal(err)
		}
		c.waitForMore(20)
	}
	c.Done(c.job.Name)
	if said, status := c.Run("job", "ls"); status != 0 || !strings.Contains(said, c.job.Name) {
		t.Errorf("job ls exits with %d: %s", status, said)
	}
	waitReady(t, worker)
	waitReady(t, scheduler)
}
