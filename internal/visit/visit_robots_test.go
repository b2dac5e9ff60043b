package visit_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestURLsForbiddenByRobotsAreNotRequested(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links("/open", "/closed/a", "/way"), "/open": links(), "/closed/a": links(),
		"/way": "301 /closed/b", "/closed/b": links()})
	site.Robots("User-agent: trawl\nDisallow: /closed/\n")
	c := newCrawl(t, site, nil).seed("/")
	c.finish()
	c.wantRecords(map[string]string{
		"/": "fetched", "/open": "fetched", "/closed/a": "disallowed robots.txt forbids it",
		"/way": "disallowed robots.txt forbids it",
	})
	c.wantRequests(map[string]int{"/robots.txt": 1, "/closed/a": 0, "/way": 1, "/closed/b": 0})
}

func TestRobotsIsIgnoredIfConfigured(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links()})
	site.Robots("User-agent: *\nDisallow: /\n")
	c := newCrawl(t, site, func(j *crawler.Job) { j.IgnoreRobots = true }).seed("/")
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched"})
	c.wantRequests(map[string]int{"/robots.txt": 0})
}

func TestUnavailableRobotsIsRequestedAgain(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links("/a"), "/a": links()})
	site.Fail("/robots.txt", 503)
	c := newCrawl(t, site, nil).seed("/")
	if r := c.visit(t.Context(), nil); r.Ending != queue.EndPause || r.Requested != 0 {
		t.Errorf("the first visit ended as %s after %d requests for pages", r.Ending, r.Requested)
	}
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched", "/a": "fetched"})
	c.wantRequests(map[string]int{"/robots.txt": 2, "/": 1, "/a": 1})
}

func TestPermanentlyUnavailableRobotsForbidsEverything(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links(), "/b": links()})
	site.Fail("/robots.txt", 500)
	c := newCrawl(t, site, func(j *crawler.Job) { j.RobotsTries = 1 }).seed("/a", "/b")
	c.finish()
	c.wantRecords(map[string]string{
		"/a": "disallowed robots.txt answered 500", "/b": "disallowed robots.txt answered 500",
	})
	c.wantRequests(map[string]int{"/robots.txt": 1, "/a": 0, "/b": 0})
}

func TestACrawlDelayIsObeyed(t *testing.T) {
	t.Parallel()
	const delay = 100 * time.Millisecond
	pages, paths := manyPages(4)
	site := testsite.Serve(t, pages)
	site.Robots("User-agent: *\nCrawl-delay: 0.1\n")
	c := newCrawl(t, site, func(j *crawler.Job) { j.PerHost = 4 })
	s := recordSending(c)
	c.seed(paths...).finish()
	wantGaps(t, s.allGaps(), delay)
}

func TestNofollowLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{
		"/":  `<a href="/a">a</a><a rel="nofollow" href="/b">b</a><a rel=nofollow href="/a">a again</a>`,
		"/a": `<meta name="robots" content="nofollow"><a href="/c">c</a>`,
	})
	c := newCrawl(t, site, nil).seed("/")
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched", "/a": "fetched"})
	c.wantRequests(map[string]int{"/b": 0, "/c": 0})
}
