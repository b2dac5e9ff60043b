package faults_test

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// garbageCase is a job one of whose keys is overwritten with garbage while it runs.
type garbageCase struct {
	key   string // JOB, SHARD, HOST and GROUP stand for the actual names
	value func(c *crawl, key string) error
	job   crawler.Job
}

// The following functions write invalid values to a key of the frontier.
func setString(c *crawl, key string) error {
	_ = c.redis.Del(c.t.Context(), key).Err()
	return c.redis.Set(c.t.Context(), key, "garbage", 0).Err()
}

func setList(c *crawl, key string) error {
	_ = c.redis.Del(c.t.Context(), key).Err()
	return c.redis.RPush(c.t.Context(), key, "garbage").Err()
}

func setField(name, value string) func(c *crawl, key string) error {
	return func(c *crawl, key string) error { return c.redis.HSet(c.t.Context(), key, name, value).Err() }
}

func addMember(value string) func(c *crawl, key string) error {
	return func(c *crawl, key string) error {
		return c.redis.ZAdd(c.t.Context(), key, overdueMember(value)).Err()
	}
}

func pushValue(value string) func(c *crawl, key string) error {
	return func(c *crawl, key string) error { return c.redis.LPush(c.t.Context(), key, value).Err() }
}

// garbageCases returns a case for each key of a job with a value of the wrong type, and for some
// keys also with a value that cannot be decoded.
func garbageCases() []*garbageCase {
	var all []*garbageCase
	for _, key := range []string{
		"trawl:{JOB}:job", "trawl:{JOB}:holds", "trawl:{JOB}:homes", "trawl:{JOB}:troubles", "trawl:{JOB}:ledger",
		"trawl:{JOB/0}:count", "trawl:{JOB/0}:seen:GROUP", "trawl:{JOB/0}:groups", "trawl:{JOB/0}:due",
		"trawl:{JOB/0}:urgent", "trawl:{JOB/0}:armed", "trawl:{JOB/0}:open",
		"trawl:{JOB/0}:host:HOST", "trawl:{JOB/0}:folded:0", "trawl:{JOB/0}:queue:1:HOST", "trawl:{JOB/0}:later:HOST",
		"trawl:{JOB/0}:flight:HOST", "trawl:{JOB/0}:failures", "trawl:{JOB/0}:garbage", "trawl:{JOB}:garbage",
		"asynq:{JOB}:pending", "asynq:{JOB}:active", "asynq:{JOB}:lease", "asynq:{JOB}:completed", "asynq:{JOB}:retry",
	} {
		wrong := setString
		if strings.HasSuffix(key, ":homes") || strings.HasSuffix(key, ":holds") {
			wrong = setList
		}
		all = append(all, &garbageCase{key: key, value: wrong})
	}
	return append(all,
		&garbageCase{key: "trawl:{JOB}:job", value: setField("settings", `{"name":`)},
		&garbageCase{key: "trawl:{JOB}:job", value: setField("settings", `{"name":"another"}`)},
		&garbageCase{key: "trawl:{JOB}:job", value: setField("state", "jogging")},
		&garbageCase{key: "trawl:{JOB}:troubles", value: setField("w", "garbage")},
		&garbageCase{key: "trawl:{JOB}:ledger", value: setField("spent", "many")},
		&garbageCase{key: "trawl:{JOB/0}:count", value: setField("waiting", "many")},
		&garbageCase{key: "trawl:{JOB/0}:host:HOST", value: setField("epoch", "garbage")},
		&garbageCase{key: "trawl:{JOB/0}:host:HOST", value: setField("next", "garbage")},
		&garbageCase{key: "trawl:{JOB/0}:host:HOST", value: setField("rules", "{{{")},
		&garbageCase{key: "trawl:{JOB/0}:queue:1:HOST", value: pushValue("garbage")},
		&garbageCase{key: "trawl:{JOB/0}:queue:1:HOST", value: pushValue("")},
		&garbageCase{key: "trawl:{JOB/0}:later:HOST", value: addMember("garbage")},
		&garbageCase{key: "trawl:{JOB/0}:flight:HOST", value: setField("1:77777", "garbage")},
		&garbageCase{key: "trawl:{JOB/0}:flight:HOST", value: setField("garbage", "garbage")},
		&garbageCase{key: "trawl:{JOB/0}:due", value: addMember("no host at all")},
		&garbageCase{key: "trawl:{JOB/0}:urgent", value: addMember("no host at all")},
	)
}

// Each key of a job is overwritten with garbage while the job runs, in a separate job for each key.
// The other jobs of the fleet must not be affected. The job itself ends, or is shown as broken with
// the key that is the reason, and can be removed.
func TestGarbageInOneJobStopsNoOther(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 4, 150)
	processes := append(c.Workers(1, "--concurrency", "100"), c.Scheduler())
	graph := testsite.Graph{Hosts: 2, PagesPerHost: 60, LinksPerPage: 6, Seed: 6}
	all := garbageCases()
	for _, v := range all {
		site := graph.Serve(t)
		v.job = crawler.DefaultJob()
		v.job.Name, v.job.Delay, v.job.Pages = redistest.Name(t), delay, 1000
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
		group := fnv.New32a() // of the host in seen
		group.Write([]byte(u.Host()))
		key := strings.NewReplacer("JOB", v.job.Name, "HOST", string(u.Host()),
			"GROUP", strconv.Itoa(int(group.Sum32()%(1<<14)))).Replace(v.key)
		if err := v.value(c, key); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	c.begin()
	c.Done(c.job.Name)
	if output, status := c.Run("job", "ls"); status != 0 || !strings.Contains(output, all[0].job.Name) {
		t.Errorf("job ls exits with %d: %s", status, output)
	}
	var removing sync.WaitGroup
	room := make(chan struct{}, 10)
	for _, v := range all {
		room <- struct{}{}
		removing.Go(func() { defer func() { <-room }(); c.wantEnd(v) })
	}
	removing.Wait()
	c.wantRunning(processes)
}

// wantEnd waits until the job has ended or is broken, and removes it.
func (c *crawl) wantEnd(v *garbageCase) {
	end, output := "", ""
	soon := testfleet.Soon(c.t)
	for end == "" {
		var status int
		if output, status = c.Run("job", "show", v.job.Name); status != 0 {
			c.t.Errorf("%s: job show exits with %d: %s", v.key, status, output)
			return
		}
		for _, state := range []crawler.State{crawler.StateDone, crawler.StateBroken} {
			if strings.Contains(output, string(state)) {
				end = string(state)
			}
		}
		if end == "" && !pause(soon, delay) {
			c.t.Errorf("%s: the job neither ends nor is shown as broken: %s", v.key, output)
			return
		}
	}
	c.t.Logf("%-32s %s %s", v.key, end, brief(output))
	if output, status := c.Run("job", "rm", v.job.Name); status != 0 {
		c.t.Errorf("%s: job rm exits with %d: %s", v.key, status, output)
	}
	left := c.redis.Keys(c.t.Context(), fmt.Sprintf("*%s*", v.job.Name)).Val()
	if len(left) > 0 || c.redis.SIsMember(c.t.Context(), "trawl:jobs", v.job.Name).Val() {
		c.t.Errorf("%s: job rm left the keys %q", v.key, left)
	}
}

// brief extracts the state and the errors from the output of job show.
func brief(output string) string {
	var lines []string
	for line := range strings.Lines(output) {
		for _, begins := range []string{"state", "pages", "waiting", "garbage"} {
			if strings.HasPrefix(line, begins) {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return strings.Join(lines, " | ")
}

// Keys that all jobs share are overwritten with garbage while a fleet runs.
func TestGarbageInSharedKeysIsRepaired(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 10, 60)
	worker, scheduler := c.Worker("--concurrency", "10"), c.Scheduler()
	c.begin()
	c.waitForMore(50)
	for _, key := range []string{"trawl:jobs", "trawl:fleet", "trawl:probe", "trawl:workers", "asynq:queues",
		"asynq:servers", "asynq:workers"} {
		if err := setString(c, key); err != nil {
			t.Fatal(err)
		}
		c.waitForMore(20)
	}
	c.Done(c.job.Name)
	if output, status := c.Run("job", "ls"); status != 0 || !strings.Contains(output, c.job.Name) {
		t.Errorf("job ls exits with %d: %s", status, output)
	}
	waitReady(t, worker)
	waitReady(t, scheduler)
}
