package visit_test

import (
	"slices"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// fetched lists the requested paths of the first host, in order.
func (c *crawl) fetched() (paths []string) {
	for _, r := range c.site.Requests() {
		if r.Path != "/robots.txt" {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

func TestLinksAreFetchedByPriority(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{
		"/": links("/1", "/doc.pdf", "/2", "/news/1", "/to-news"), "/to-news": "301 /news/2", "/1": links("/news/3"),
		"/2":       links(),
		"/doc.pdf": links(), "/news/1": links("/3"), "/news/2": links(), "/news/3": links(), "/3": links(),
	})
	for _, depth := range []int{-1, 5} { // with a depth limit, links are stored and admitted later
		c := newCrawl(t, site, func(j *crawler.Job) {
			j.Depth = depth
			j.Priorities = []crawler.PriorityRule{{Match: `\.pdf$`, Priority: crawler.PriorityLow},
				{Match: "/news/", Priority: crawler.PriorityUrgent}}
		})
		before := len(c.fetched())
		c.tools.Frontier = alteredFrontier{c.frontier, func(t *alteredLease) { t.single = true }}
		c.seed("/").finish()
		want := []string{"/", "/news/1", "/1", "/news/3", "/2", "/to-news", "/news/2", "/3", "/doc.pdf"}
		if got := c.fetched()[before:]; !slices.Equal(got, want) {
			t.Errorf("depth %d: requested\n%q, want\n%q", depth, got, want)
		}
	}
}
