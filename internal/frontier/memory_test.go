package frontier

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisd"
)

// Limits on the memory of Redis per URL after ten million URLs, in bytes.
const (
	seenTarget    = 12
	waitingTarget = 40
	// sealedTarget is the limit for URLs that wait at hosts with longQueuePages pages of URLs each.
	sealedTarget   = 16
	longQueuePages = 5
)

// TestTheCostOfAURL fills its own Redis with hosts of a hundred URLs each. With -v it logs the
// memory per URL, and the time per URL with few and with many URLs. It is meant for changes to the
// frontier, and is skipped unless it is enabled:
//
//	TRAWL_BENCH=1    with a million URLs
//	TRAWL_BENCH=10m  with ten million: some minutes, and 1 GiB of memory
func TestTheCostOfAURL(t *testing.T) {
	urls, ok := map[string]int{"1": 1e6, "10m": 1e7}[os.Getenv("TRAWL_BENCH")]
	if !ok {
		t.Skip("the test fills a Redis with millions of URLs: run make memory")
	}
	t.Run("in queues of 500", func(t *testing.T) { costInLongQueues(t, urls) })
	c := newFiller(t, privateRedis(t))
	empty := c.memory()
	began := time.Now()
	c.fill(urls)
	t.Logf("%d URLs of %d hosts were admitted in %v", c.urls(), c.pages.Load(), time.Since(began).Round(time.Second))
	full, admitted := c.memory(), float64(c.urls())

	few, many := c.compare(privateRedis(t))
	t.Logf("a URL takes %v when ten thousand were admitted", few)
	t.Logf("a URL takes %v when %d were admitted, %.2f times as long in Redis", many, urls, many.redis/few.redis)

	c.dropAllButSeen()
	seen := (c.memory() - empty) / float64(c.urls())
	c.bounded("a URL that was seen", seen, seenTarget)
	c.bounded("a URL that waits", (full-empty)/admitted-seen, waitingTarget)
	c.checkBuckets()
}

// costInLongQueues measures the memory of URLs that wait at hosts with 500 of them each. Their paths
// end in 64 random bits, which no packing can make smaller.
func costInLongQueues(t *testing.T, urls int) {
	c := newFiller(t, privateRedis(t))
	c.perHost = longQueuePages
	empty, spent, began := c.memory(), processorTime(t.Context(), c.rdb), time.Now()
	c.fill(urls)
	full, admitted, took := c.memory(), float64(c.urls()), time.Since(began)
	redis := processorTime(t.Context(), c.rdb) - spent
	t.Logf("%d URLs of %d hosts were admitted in %v, %.1f µs of Redis each", c.urls(),
		c.pages.Load()/longQueuePages, took.Round(time.Second), micros(redis)/admitted)
	c.dropAllButSeen()
	seen := (c.memory() - empty) / admitted
	c.bounded("a URL that waits in a long queue", (full-empty)/admitted-seen, sealedTarget)
}

// privateRedis returns the URL of a Redis that no other test uses.
func privateRedis(t *testing.T) string {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		t.Skip("no redis-server or valkey-server on PATH: install redis-server")
	}
	server, err := redisd.Start(t.Context(), redisd.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server.URL()
}

// pace is the time to admit a URL, in µs.
type pace struct {
	wall  float64 // wall time of a single client
	redis float64 // processor time of Redis
}

func (p pace) String() string { return fmt.Sprintf("%.1f µs (%.1f of Redis)", p.wall, p.redis) }

// compare measures the pace of a new filler in another Redis, and the pace of this one. It
// alternates between them, so that a change in the load of the machine affects both, and returns
// the medians.
func (c *filler) compare(other string) (few, many pace) {
	const rounds = 31
	var young, old []pace
	for range rounds {
		begun := newFiller(c.t, other)
		begun.fill(1e4)
		young, old = append(young, begun.pace()), append(old, c.pace())
		begun.end()
	}
	return median(young), median(old)
}

func median(all []pace) pace {
	slices.SortFunc(all, func(a, b pace) int { return cmp.Compare(a.redis, b.redis) })
	return all[len(all)/2]
}

// filler is a job that admits the URLs of one host after another, page by page.
type filler struct {
	*testJob
	t       *testing.T
	pages   atomic.Int64 // that were admitted
	perHost int          // pages of links to each host
	forgets bool         // spilled blocks of seen are not remembered from one page to the next
}

func newFiller(t *testing.T, server string) *filler {
	return &filler{testJob: newTestJob(t, server, 1), t: t, perHost: 1}
}

// end removes the job.
func (c *filler) end() {
	c.t.Helper()
	if err := c.store.Remove(c.t.Context(), c.job.Name); err != nil {
		c.t.Fatal(err)
	}
}

// urls returns the number of admitted URLs.
func (c *filler) urls() int { return int(c.pages.Load()) * pageLinks }

func (c *filler) nextPage() []queue.Entry {
	n := int(c.pages.Add(1))
	return webPage(c.t, n%c.perHost*2*pageLinks, n/c.perHost)
}

// fill admits this number of URLs, on all processors.
func (c *filler) fill(urls int) {
	c.t.Helper()
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for c.urls() < urls && !c.t.Failed() {
				if _, err := c.Admit(c.t.Context(), c.nextPage()); err != nil {
					c.t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// pace measures the pace of one hundred pages.
func (c *filler) pace() pace {
	c.t.Helper()
	pages := make([][]queue.Entry, 100)
	for i := range pages {
		pages[i] = c.nextPage()
	}
	spent, began := processorTime(c.t.Context(), c.rdb), time.Now()
	for _, page := range pages {
		c.admitPage(page, pageLinks)
	}
	wall, urls := time.Since(began), float64(len(pages)*pageLinks)
	return pace{micros(wall) / urls, micros(processorTime(c.t.Context(), c.rdb)-spent) / urls}
}

// memory returns the memory that Redis uses, in bytes.
func (c *filler) memory() float64 { return info(c.t.Context(), c.rdb, "memory", "used_memory") }

func (c *filler) bounded(what string, bytes, target float64) {
	c.t.Helper()
	c.t.Logf("%s takes %.1f bytes", what, bytes)
	if bytes > target {
		c.t.Errorf("%s takes %.1f bytes, want at most %g", what, bytes, target)
	}
}

// dropAllButSeen deletes the queues and hosts.
func (c *filler) dropAllButSeen() {
	c.t.Helper()
	base, ctx := c.base(0), c.t.Context()
	var drop []string
	keys := c.rdb.Scan(ctx, 0, base+"*", 10000).Iterator()
	for keys.Next(ctx) {
		if name := keys.Val(); !strings.HasPrefix(name, base+nameSeen) && name != base+nameCount && name != base+nameGroups {
			drop = append(drop, name)
		}
	}
	if err := keys.Err(); err != nil {
		c.t.Fatal(err)
	}
	for some := range slices.Chunk(drop, 1000) {
		if err := c.rdb.Del(ctx, some...).Err(); err != nil {
			c.t.Fatal(err)
		}
	}
}

// checkBuckets checks every bucket of seen.
func (c *filler) checkBuckets() {
	c.t.Helper()
	ctx := c.t.Context()
	buckets, largest, members := 0, int64(0), int64(0)
	err := c.store.scan(ctx, anySeen(c.job.Name), func(ctx context.Context, node redis.Cmdable, keys []string) error {
		sizes, kinds := make([]*redis.IntCmd, len(keys)), make([]*redis.StringCmd, len(keys))
		_, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, key := range keys {
				sizes[i], kinds[i] = p.SCard(ctx, key), p.ObjectEncoding(ctx, key)
			}
			return nil
		})
		for i, key := range keys {
			buckets, largest, members = buckets+1, max(largest, sizes[i].Val()), members+sizes[i].Val()
			if kind := kinds[i].Val(); kind != "intset" {
				c.t.Errorf("%s, of %d fingerprints, is a %s, want an intset", key, sizes[i].Val(), kind)
			}
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Logf("%d fingerprints are in %d buckets, at most %d in one", members, buckets, largest)
	if members != int64(c.urls()) {
		c.t.Errorf("%d fingerprints of %d URLs", members, c.urls())
	}
}
