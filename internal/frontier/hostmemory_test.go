package frontier

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/latency"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// Limits on the memory of Redis per host with one page, in bytes, with its robots.txt and its URL.
const (
	finishedTarget = 250
	givenUpTarget  = 400
	waitsTarget    = 650
)

// TestTheMemoryOfAHost lets its own Redis wait for, visit and finish hosts with one page each, and
// logs what a host takes then, in total and by kind of key. Holds are left out, because they are
// forgotten soon after a visit. It is skipped unless it is enabled:
//
//	TRAWL_BENCH=1      with a hundred thousand hosts
//	TRAWL_BENCH=10m    with a million
//	TRAWL_BENCH=small  with twenty thousand, which share less, so that there are no limits
func TestTheMemoryOfAHost(t *testing.T) {
	hosts, ok := map[string]int{"1": 1e5, "10m": 1e6, "small": 2e4}[os.Getenv("TRAWL_BENCH")]
	if !ok {
		t.Skip("the test fills a Redis with hundreds of thousands of hosts: run make memory")
	}
	c := newHostFiller(t, hosts)
	empty := c.memory()
	c.report("waits for its first visit", empty, waitsTarget, c.seed)
	c.report("is visited", empty, 0, c.visit)
	c.report("is visited, with its robots.txt", empty, 0, c.askRobots)
	c.report("is finished", empty, finishedTarget, c.finish)
	c.report("waits again", empty, 0, c.find)
	c.report("was given up", empty, givenUpTarget, c.fail)
}

// hostFiller is a job of hosts with one page each.
type hostFiller struct {
	*filler
	hosts int
	opens []*opening // the visits that are open
}

// newHostFiller creates a job with a short name, because each key has it.
func newHostFiller(t *testing.T, hosts int) *hostFiller {
	rdb := connect(t, privateRedis(t))
	job := crawler.DefaultJob()
	job.Name, job.Politeness = "broad", crawler.PolitenessJob
	store := New(rdb)
	if err := store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	return &hostFiller{filler: &filler{testJob: &testJob{store.Frontier(job), t, store, rdb, nil}, t: t}, hosts: hosts}
}

// report does something to all hosts, and logs what each takes then. target is the most bytes, 0 if
// there is no bound.
func (c *hostFiller) report(what string, empty float64, target int, do func()) {
	c.t.Helper()
	began := time.Now()
	do()
	bytes := (c.memory() - empty) / float64(c.hosts)
	c.t.Logf("a host that %s takes %.0f bytes (%v):%s", what, bytes, time.Since(began).Round(time.Second), c.byKind())
	if target > 0 && c.hosts >= 1e5 && bytes > float64(target) {
		c.t.Errorf("a host that %s takes %.0f bytes, want at most %d", what, bytes, target)
	}
}

// byKind says how many bytes of a host the keys of each kind take, without the tables of Redis.
func (c *hostFiller) byKind() string {
	c.t.Helper()
	bytes := make(map[string]int64)
	err := c.store.scan(c.t.Context(), "*", func(ctx context.Context, node redis.Cmdable, keys []string) error {
		got := make([]*redis.IntCmd, len(keys))
		_, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, key := range keys {
				got[i] = p.MemoryUsage(ctx, key, 0)
			}
			return nil
		})
		for i, key := range keys {
			bytes[kindOfKey(key)] += got[i].Val()
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	text := ""
	for _, kind := range slices.Sorted(maps.Keys(bytes)) {
		if per := float64(bytes[kind]) / float64(c.hosts); per >= 0.5 {
			text += fmt.Sprintf(" %s %.0f", kind, per)
		}
	}
	return text
}

// kindOfKey returns the part of a key that says what it has.
func kindOfKey(key string) string {
	if _, rest, ok := strings.Cut(key, "}:"); ok {
		key = rest
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(key, keyPrefix), ":")
	return kind
}

// each calls do with the numbers of hosts, some at a time.
func (c *hostFiller) each(do func(hosts []int)) {
	all := make([]int, c.hosts)
	for i := range all {
		all[i] = i
	}
	for some := range slices.Chunk(all, 100) {
		do(some)
	}
}

func (c *hostFiller) seed() { c.admitEach(0) }

// find admits a second URL of each host.
func (c *hostFiller) find() { c.admitEach(1) }

// admitEach admits URL n of each host.
func (c *hostFiller) admitEach(n int) {
	c.t.Helper()
	c.each(func(hosts []int) {
		entries := make([]queue.Entry, len(hosts))
		for i, host := range hosts {
			e, err := webEntry(host, n, 7)
			if err != nil {
				c.t.Fatal(err)
			}
			entries[i] = e
		}
		c.admitPage(entries, len(hosts))
	})
}

// visit opens the visits of all hosts, which take their URLs.
func (c *hostFiller) visit() {
	c.t.Helper()
	ctx, base := c.t.Context(), c.base(0)
	for len(c.opens) < c.hosts {
		orders, _, err := c.armShard(ctx, 0, 10*c.hosts)
		if err != nil || len(orders) == 0 {
			c.t.Fatalf("armed %d hosts after %d, %v", len(orders), len(c.opens), err)
		}
		some := make([]*opening, len(orders))
		for i, o := range orders {
			some[i] = c.opening(o, "tester", visit.Want{URLs: 10, Call: "1"})
		}
		c.openAll(ctx, base, some)
		for _, o := range some {
			if err := o.lease.opened(ctx, o.answer, o.err, o.want); err != nil {
				c.t.Fatal(err)
			}
		}
		c.opens = append(c.opens, some...)
	}
}

// finish ends the visits of all hosts. Each responded within 200 ms.
func (c *hostFiller) finish() {
	var times latency.Histogram
	times.Add(200 * time.Millisecond)
	c.leaveAll(crawler.OutcomeFetched, queue.HostHealth{Latency: times})
}

// fail visits all hosts again, which do not answer.
func (c *hostFiller) fail() {
	c.visit()
	c.leaveAll(crawler.OutcomeFailed, queue.HostHealth{ConsecutiveFailures: 3,
		Trouble: "dial tcp 198.51.100.17:443: connect: connection refused", Class: crawler.ErrorConnect})
}

// leaveAll settles the URLs of all hosts, which ends their visits. Each has a delay of a second.
func (c *hostFiller) leaveAll(outcome crawler.Outcome, health queue.HostHealth) {
	c.t.Helper()
	rest := queue.Rest{Wait: time.Millisecond, Gap: time.Second, Kept: time.Second, HostHealth: health}
	for some := range slices.Chunk(c.opens, 64) {
		ends := make([]*settling, len(some))
		for i, o := range some {
			done := []queue.Settlement{{Ticket: o.lease.start.Taken[0].Ticket, Outcome: outcome, Bytes: 1}}
			var err error
			if ends[i], err = o.lease.settling(c.t.Context(), done, o.lease.restArgs(rest)); err != nil {
				c.t.Fatal(err)
			}
		}
		c.settleAll(c.t.Context(), c.base(0), ends)
		for _, e := range ends {
			if e.err != nil || !e.ended {
				c.t.Fatalf("the visit of %s ends: %v (%v)", e.host, e.ended, e.err)
			}
		}
	}
	c.opens = nil
}

// askRobots stores a robots.txt for each host. Half of the hosts have none, most others one of twenty
// that many have, and one in ten its own.
func (c *hostFiller) askRobots() {
	c.t.Helper()
	cache := c.store.RobotsCache()
	for host := range c.hosts {
		text := ""
		switch n := host % 10; {
		case n == 9:
			text = someRobots(host)
		case n >= 5:
			text = someRobots(host % 20)
		}
		origin := "https://" + string(webHost(host))
		if err := cache.Put(c.t.Context(), origin, []byte("a head of 12"+text), 12); err != nil {
			c.t.Fatal(err)
		}
	}
}

// someRobots returns a robots.txt of the usual length.
func someRobots(n int) string {
	text := "User-agent: *\n"
	for i := range 5 + n%5 {
		text += fmt.Sprintf("Disallow: /folder%d/%d/\n", n, i)
	}
	return text
}
