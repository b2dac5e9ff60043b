package faults_test

import (
	"cmp"
	"context"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
	"github.com/trawlcrawler/trawl/internal/testfleet"
	"github.com/trawlcrawler/trawl/internal/testsite"
)

// These tests wait far more than they work: more of them may run at once than
// there are processors. Those of chaos are to be measured.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", size("8", "5")); err != nil {
		panic(err)
	}
	os.Exit(testfleet.Main(m))
}

// chaos says that there is time for damage in large numbers.
var chaos = os.Getenv("TRAWL_CHAOS") != ""

// size is how much is done: little in the ordinary tests, more in chaos.
func size[T any](little, more T) T {
	if chaos {
		return more
	}
	return little
}

// delay is what lies between the starts of two requests to a host, in all of
// these tests.
const delay = 100 * time.Millisecond

// crawl is a crawl of a known site by a fleet to which something happens.
type crawl struct {
	*testfleet.Fleet
	t     testing.TB
	graph testsite.Graph
	site  *testsite.Site
	job   crawler.Job
	redis *redis.Client
}

// newCrawl puts the site up and starts a Redis. The job is created by begin.
func newCrawl(t *testing.T, hosts, pagesPerHost int, server ...string) *crawl {
	t.Helper()
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pagesPerHost, LinksPerPage: 6, Seed: 6}
	c := &crawl{Fleet: testfleet.New(t, server...), t: t, graph: g, site: g.Serve(t), job: crawler.DefaultJob()}
	c.job.Name, c.job.Delay = redistest.Name(t), crawler.Duration(delay)
	for _, root := range g.Roots() {
		c.job.Seeds = append(c.job.Seeds, c.site.URL(root.Host, g.Path(root.Page)))
	}
	c.redis = redis.NewClient(&redis.Options{Addr: c.Redis.TCP})
	t.Cleanup(func() { c.redis.Close() })
	return c
}

// begin creates the job.
func (c *crawl) begin() { c.t.Helper(); c.Create(c.job) }

// goesOn waits until so many more requests have come in, and reports false if
// the job ends before.
func (c *crawl) goesOn(requests int) bool {
	c.t.Helper()
	enough := c.site.Len() + requests
	return c.until(func(l *testsite.Log) bool { return l.Len() >= enough })
}

// askedAgain waits until a host is asked for something after a moment, and
// reports false if the job ends before.
func (c *crawl) askedAgain(host string, after time.Time) bool {
	c.t.Helper()
	return c.until(func(l *testsite.Log) bool { return l.Last(host).Start.After(after) })
}

// until waits until the log of requests is as a condition wishes, and reports
// false if the job ends before.
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

// toll is what a crawl has cost.
type toll struct {
	lost, again int // pages missing; requests for pages that were asked for before
	numbers     crawler.Counters
	smallest    time.Duration // between the starts of two requests to a host
}

// whole waits for the end of the crawl and checks what is promised, whatever
// happened: the job is done, each page of the site is in the export, no page was
// asked for more than so many times in all that was asked for before, and no
// host was hurried.
func (c *crawl) whole(again int) toll {
	c.t.Helper()
	numbers := c.Done(c.job.Name)
	pages, requests := testfleet.Pages(c.Export(c.job.Name)), testfleet.Asked(c.site)
	lost := pages.Expect(c.t, "pages", c.graph.URLs(c.site))
	requests.Expect(c.t, "requests", c.graph.URLs(c.site))
	if pages.Again() > 0 {
		c.t.Errorf("%d pages are exported again", pages.Again())
	}
	if n := requests.Again(); n > again {
		c.t.Errorf("%d requests were for pages that had been asked for before, want at most %d", n, again)
	}
	if numbers.Waiting+numbers.Flight > 0 || numbers.Seen != int64(len(c.graph.URLs(c.site))) {
		c.t.Errorf("at the end %d URLs wait and %d are in flight, of %d", numbers.Waiting, numbers.Flight, numbers.Seen)
	}
	sum := toll{lost: lost, again: requests.Again(), numbers: numbers, smallest: c.polite()}
	c.t.Logf("%d pages, %d lost, %d asked for again (of at most %d); %d visits broke; the smallest gap is %v",
		len(pages), sum.lost, sum.again, again, numbers.Broken, sum.smallest.Round(100*time.Microsecond))
	return sum
}

// clockStep is how exactly the kernel tells when a request arrived.
const clockStep = 10 * time.Millisecond

// polite checks that no host had two requests at once, or two closer than the
// delay. It returns the smallest gap.
func (c *crawl) polite() time.Duration {
	c.t.Helper()
	smallest := time.Duration(math.MaxInt64)
	for host, requests := range c.site.ByHost() {
		if most := c.site.MaxConcurrent(host); most > 1 {
			c.t.Errorf("%s had %d requests at once", host, most)
		}
		for i := range requests[1:] {
			gap := requests[i+1].Arrived.Sub(requests[i].Arrived)
			if gap < delay-clockStep {
				c.t.Errorf("%s had two requests %v apart, for %s and %s, want %v", host, gap, requests[i].Path, requests[i+1].Path, delay)
			}
			smallest = min(smallest, gap)
		}
	}
	return smallest
}

// pause waits for a while of the test's choice, in which damage lasts or
// nothing happens: it is no condition for anything.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// between is a random duration.
func between(least, most time.Duration) time.Duration { return least + rand.N(most-least) }

// median returns the middle one.
func median[T cmp.Ordered](all []T) T {
	var middle T
	if len(all) > 0 {
		middle = slices.Sorted(slices.Values(all))[len(all)/2]
	}
	return middle
}

// zOf is a member of a sorted set that is due long since.
func zOf(value string) redis.Z { return redis.Z{Score: 1, Member: value} }
