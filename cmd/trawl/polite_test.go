package main_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// crowd crawls fifty hosts with a delay, checks the gaps between requests, and
// returns how much longer it took than it must: each host was to be asked for
// its robots.txt and its pages, a delay apart. quiet says that the machine let
// it run, so that the figures mean something.
func crowd(t *testing.T, pagesPerHost int, delay time.Duration) (ratio float64, quiet bool) {
	t.Helper()
	s := newShell(t)
	s.withRedis()
	g := testsite.Graph{Hosts: 50, PagesPerHost: pagesPerHost, LinksPerPage: 6, Seed: 50}
	site := g.Serve(t)
	args := []string{"crawl", "--delay", delay.String(), "--out", "crowd", "--job", "crowd"}
	for _, root := range g.Roots() {
		args = append(args, site.URL(root.Host, g.Path(root.Page)))
	}
	stalls := testsite.WatchStalls(t)
	end := s.run(args...).exits(done)
	stalled := stalls()
	expectGaps(t, site, delay, stalled)
	fetched(pages(t, s.path("crowd"))).expectOnce(t, "pages", g.URLs(site))
	asked(site).expectOnce(t, "requests", g.URLs(site))

	requests := site.Requests()
	span := requests[len(requests)-1].Start.Sub(requests[0].Start)
	ratio = span.Seconds() / (float64(pagesPerHost) * delay.Seconds())
	t.Logf("%d requests in %v, which is %.3f of what must be", len(requests), span.Round(time.Millisecond), ratio)
	logTimes(t, site, end, g.Hosts*pagesPerHost)
	return ratio, stalled < delay/10
}

// expectGaps checks the time between the starts of requests to each host,
// robots.txt included. A site whose process was kept waiting has noted a request
// late, and the gap behind it looks shorter: by about as much, or twice that when
// two of its goroutines had to wait for one another.
func expectGaps(t *testing.T, site *testsite.Site, delay, stalled time.Duration) {
	t.Helper()
	smallest := time.Hour
	for host, requests := range site.ByHost() {
		if requests[0].Path != "/robots.txt" {
			t.Errorf("%s is asked for %s before its robots.txt", host, requests[0].Path)
		}
		if most := site.MaxConcurrent(host); most > 1 {
			t.Errorf("%s has %d requests at once, want 1", host, most)
		}
		gap := site.SmallestGap(host)
		if gap < delay-2*stalled {
			t.Errorf("%s has two requests %v apart, want at least %v, less twice the %v that this process stood still",
				host, gap, delay, stalled)
		}
		smallest = min(smallest, gap)
	}
	t.Logf("the smallest gap is %v; this process once stood still for %v", smallest, stalled)
}

// attempts is how often a measurement is made on a machine that is busy.
const attempts = 3

// This and the next measure: they run alone.
func TestNoTwoRequestsToAHostAreCloserThanTheDelay(t *testing.T) {
	long(t)
	for range attempts {
		if _, quiet := crowd(t, 12, 200*time.Millisecond); quiet || t.Failed() {
			return
		}
	}
	t.Log("the machine was busy each time: this proves little")
}

func TestFiftyHostsTakeNoLongerThanOne(t *testing.T) {
	huge(t)
	for range attempts {
		ratio, quiet := crowd(t, 60, 200*time.Millisecond)
		if quiet && ratio > 1.1 {
			t.Errorf("the crawl took %.3f of the time that the delay asks for, want at most 1.1", ratio)
		}
		if quiet || t.Failed() {
			return
		}
	}
	t.Skip("the machine was busy each time: there is nothing to say")
}

func TestARobotsTxtThatAsksForALongerDelayIsObeyed(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withRedis()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 5, LinksPerPage: 4}
	site := g.Serve(t)
	site.Robots("User-agent: *\nCrawl-delay: 0.3\nDisallow: /page/2\n")
	stalls := testsite.WatchStalls(t)
	s.run("crawl", site.URL(0, "/"), "--delay", "50ms", "--per-host", "4", "--out", "site").exits(done, "1 disallowed")
	slack := 2*stalls() + 20*time.Millisecond // in the server's log
	if gap := site.SmallestGap(site.Hosts()[0]); gap < 300*time.Millisecond-slack {
		t.Errorf("two requests are %v apart, want the 300ms of Crawl-delay (%v of slack)", gap, slack)
	}
	if n := site.Count("/page/2"); n > 0 {
		t.Errorf("what robots.txt forbids was asked for %d times", n)
	}
}
