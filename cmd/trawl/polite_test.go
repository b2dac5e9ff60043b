package main_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// crawlFiftyHosts crawls fifty hosts with a delay and checks the gaps between requests. It
// returns the ratio of the duration to the minimum that the delay allows for the robots.txt and
// the pages of a host. quiet reports whether the machine was idle enough for the ratio to count.
func crawlFiftyHosts(t *testing.T, pagesPerHost int, delay time.Duration) (ratio float64, quiet bool) {
	t.Helper()
	s := newShell(t)
	s.withRedis()
	g := testsite.Graph{Hosts: 50, PagesPerHost: pagesPerHost, LinksPerPage: 6, Seed: 50}
	site := g.Serve(t)
	args := []string{"crawl", "--delay", delay.String(), "--out", "hosts", "--job", "hosts"}
	for _, root := range g.Roots() {
		args = append(args, site.URL(root.Host, g.Path(root.Page)))
	}
	stalls := testsite.WatchStalls(t)
	end := s.run(args...).exits(done)
	stalled := stalls()
	expectGaps(t, site, delay, stalled)
	fetched(pages(t, s.path("hosts"))).expectOnce(t, "pages", g.URLs(site))
	requestCounts(site).expectOnce(t, "requests", g.URLs(site))

	requests := site.Requests()
	span := requests[len(requests)-1].Start.Sub(requests[0].Start)
	ratio = span.Seconds() / (float64(pagesPerHost) * delay.Seconds())
	t.Logf("%d requests in %v, %.3f of the minimum", len(requests), span.Round(time.Millisecond), ratio)
	logTimes(t, site, end, g.Hosts*pagesPerHost)
	return ratio, stalled < delay/10
}

// expectGaps checks the time between the starts of requests to each host, robots.txt included.
// If the process of the site stalled, it recorded a request late, and the next gap looks shorter
// by about the stall, or by twice the stall if two goroutines waited for each other.
func expectGaps(t *testing.T, site *testsite.Site, delay, stalled time.Duration) {
	t.Helper()
	smallest := time.Hour
	for host, requests := range site.ByHost() {
		if requests[0].Path != "/robots.txt" {
			t.Errorf("%s receives a request for %s before robots.txt", host, requests[0].Path)
		}
		if most := site.MaxConcurrent(host); most > 1 {
			t.Errorf("%s has %d requests at once, want 1", host, most)
		}
		gap := site.SmallestGap(host)
		if gap < delay-2*stalled {
			t.Errorf("%s has two requests %v apart, want at least %v, less twice the stall of %v",
				host, gap, delay, stalled)
		}
		smallest = min(smallest, gap)
	}
	t.Logf("the smallest gap is %v; the longest stall was %v", smallest, stalled)
}

// attempts is the maximum number of measurements on a busy machine.
const attempts = 3

// This test and the next one measure time, so they do not run in parallel.
func TestNoTwoRequestsToAHostAreCloserThanTheDelay(t *testing.T) {
	skipIfShort(t)
	for range attempts {
		if _, quiet := crawlFiftyHosts(t, 12, 200*time.Millisecond); quiet || t.Failed() {
			return
		}
	}
	t.Log("the machine was busy each time: the result is weak")
}

func TestFiftyHostsTakeNoLongerThanOne(t *testing.T) {
	skipUnlessSlow(t)
	for range attempts {
		ratio, quiet := crawlFiftyHosts(t, 60, 200*time.Millisecond)
		if quiet && ratio > 1.1 {
			t.Errorf("the crawl took %.3f of the time that the delay asks for, want at most 1.1", ratio)
		}
		if quiet || t.Failed() {
			return
		}
	}
	t.Skip("the machine was busy each time: no result")
}

func TestALongerCrawlDelayInRobotsTxtIsObeyed(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withRedis()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 5, LinksPerPage: 4}
	site := g.Serve(t)
	site.Robots("User-agent: *\nCrawl-delay: 0.3\nDisallow: /page/2\n")
	stalls := testsite.WatchStalls(t)
	s.run("crawl", site.URL(0, "/"), "--delay", "50ms", "--per-host", "4", "--out", "site").exits(done, "1 disallowed")
	slack := 2*stalls() + 20*time.Millisecond // of the times in the server's log
	if gap := site.SmallestGap(site.Hosts()[0]); gap < 300*time.Millisecond-slack {
		t.Errorf("two requests are %v apart, want the 300ms of Crawl-delay (%v of slack)", gap, slack)
	}
	if n := site.Count("/page/2"); n > 0 {
		t.Errorf("a disallowed page was requested %d times", n)
	}
}
