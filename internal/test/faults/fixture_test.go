package faults_test

import (
	"cmp"
	"context"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// These tests mostly wait, so more of them may run at once than there are processors. The
// measurements of make chaos need fewer.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", size("8", "5")); err != nil {
		panic(err)
	}
	os.Exit(testfleet.Main(m))
}

// chaos is set by make chaos, which causes faults in large numbers.
var chaos = os.Getenv("TRAWL_CHAOS") != ""

// size selects an amount of work: less in ordinary tests, more in make chaos.
func size[T any](little, more T) T {
	if chaos {
		return more
	}
	return little
}

// delay is the delay between two requests to a host in all of these tests.
const delay = 100 * time.Millisecond

// crawl is a crawl of a known site by a fleet under faults.
type crawl struct {
	*testfleet.Fleet
	t      testing.TB
	graph  testsite.Graph
	site   *testsite.Site
	job    crawler.Job
	redis  *redis.Client
	stalls func() time.Duration // the longest time for which this machine was stalled, until the first call
}

// newCrawl serves the site and starts a Redis. begin creates the job.
func newCrawl(t *testing.T, hosts, pagesPerHost int, server ...string) *crawl {
	t.Helper()
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pagesPerHost, LinksPerPage: 6, Seed: 6}
	c := &crawl{Fleet: testfleet.New(t, server...), t: t, graph: g, site: g.Serve(t), job: crawler.DefaultJob(),
		stalls: sync.OnceValue(testsite.WatchStalls(t))}
	c.job.Name, c.job.Delay = redistest.Name(t), delay
	for _, root := range g.Roots() {
		c.job.Seeds = append(c.job.Seeds, c.site.URL(root.Host, g.Path(root.Page)))
	}
	c.redis = redis.NewClient(&redis.Options{Addr: c.Redis.TCP})
	t.Cleanup(func() { c.redis.Close() })
	return c
}

// begin creates the job.
func (c *crawl) begin() { c.t.Helper(); c.Create(c.job) }

// waitForMore waits until n more requests have arrived, and reports false if the job ends before
// that.
func (c *crawl) waitForMore(requests int) bool {
	c.t.Helper()
	enough := c.site.Len() + requests
	return c.until(func(l *testsite.Log) bool { return l.Len() >= enough })
}

// requestedAgain waits until a host receives a request after a time, and reports false if the job
// ends before that.
func (c *crawl) requestedAgain(host string, after time.Time) bool {
	c.t.Helper()
	return c.until(func(l *testsite.Log) bool { return l.Last(host).Start.After(after) })
}

// until waits until the log of requests satisfies a condition, and reports false if the job ends
// before that.
func (c *crawl) until(condition func(*testsite.Log) bool) bool {
	c.t.Helper()
	ctx, cancel := context.WithCancel(testfleet.Patience(c.t))
	defer cancel()
	go func() {
		defer cancel()
		_, _ = c.Client.Wait(ctx, c.job.Name)
	}()
	err := c.site.Until(ctx, condition)
	if late := testfleet.Patience(c.t).Err(); late != nil {
		c.t.Fatal(err)
	}
	return err == nil
}

// damage counts lost pages and repeated requests of a crawl.
type damage struct {
	lost, again int // pages missing; repeated requests for pages
	counters    crawler.Counters
	smallest    time.Duration // between the starts of two requests to a host
}

// wantComplete waits for the end of the crawl and checks Trawl's promises, which no fault may
// break: the job is done, each page of the site is in the export, at most again requests were
// repeated, and every host's delay was kept.
func (c *crawl) wantComplete(again int) damage {
	c.t.Helper()
	counters := c.Done(c.job.Name)
	pages, requests := testfleet.Pages(c.Export(c.job.Name)), testfleet.Asked(c.site)
	lost := pages.Expect(c.t, "pages", c.graph.URLs(c.site))
	requests.Expect(c.t, "requests", c.graph.URLs(c.site))
	if pages.Again() > 0 {
		c.t.Errorf("%d pages are exported twice", pages.Again())
	}
	if n := requests.Again(); n > again {
		c.t.Errorf("%d requests were repeated, want at most %d", n, again)
	}
	if counters.Waiting+counters.Flight > 0 || counters.Seen != int64(len(c.graph.URLs(c.site))) {
		c.t.Errorf("at the end %d URLs wait and %d are in flight, of %d", counters.Waiting, counters.Flight,
			counters.Seen)
	}
	sum := damage{lost: lost, again: requests.Again(), counters: counters, smallest: c.wantPolite()}
	c.t.Logf("%d pages, %d lost, %d requested again (of at most %d); %d visits broke; the smallest gap is %v",
		len(pages), sum.lost, sum.again, again, counters.Broken, sum.smallest.Round(100*time.Microsecond))
	return sum
}

// clockStep is the precision with which the kernel reports when a request arrived.
const clockStep = 10 * time.Millisecond

// wantPolite checks that no host had two requests at once, or two requests closer than the delay.
// It returns the smallest gap.
func (c *crawl) wantPolite() time.Duration {
	c.t.Helper()
	smallest, stalled := time.Duration(math.MaxInt64), c.stalls()
	for host, requests := range c.site.ByHost() {
		if most := c.site.MaxConcurrent(host); most > 1 {
			c.t.Errorf("%s had %d requests at once", host, most)
		}
		for i := range requests[1:] {
			gap := requests[i+1].Arrived.Sub(requests[i].Arrived)
			if gap < delay-clockStep-stalled { // a stalled machine also logs requests late
				c.t.Errorf("%s had two requests %v apart, for %s and %s, want %v", host, gap, requests[i].Path,
					requests[i+1].Path, delay)
			}
			smallest = min(smallest, gap)
		}
	}
	return smallest
}

// pause waits for a fixed time, the duration of a fault or of silence. It is not for conditions.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// between returns a random duration.
func between(least, most time.Duration) time.Duration { return least + rand.N(most-least) }

// median returns the middle value.
func median[T cmp.Ordered](all []T) T {
	var middle T
	if len(all) > 0 {
		middle = slices.Sorted(slices.Values(all))[len(all)/2]
	}
	return middle
}

// overdueMember returns a member of a sorted set that has been due for a long time.
func overdueMember(value string) redis.Z { return redis.Z{Score: 1, Member: value} }
