package visit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestRedirectsWithinAHostShareARecord(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": "301 /b", "/b": "302 c?d", "/c?d": links("/b", "/c?d", "/a")})
	c := newCrawl(t, site, nil).seed("/a")
	c.finish()
	c.wantRecords(map[string]string{"/a": "fetched"})
	rec := c.record("/a")
	if want := []string{site.URL(0, "/b"), site.URL(0, "/c?d")}; !slices.Equal(rec.Redirects, want) ||
		rec.FinalURL != want[1] {
		t.Errorf("got redirects %q and final URL %q, want %q", rec.Redirects, rec.FinalURL, want)
	}
	c.wantRequests(map[string]int{"/a": 1, "/b": 1, "/c?d": 1})
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 1, crawler.OutcomeFollowed: 2})
}

func TestManyRedirectsToOnePageFetchItOnce(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": "301 /d", "/b": "301 /d", "/c": "301 /d", "/d": links()})
	c := newCrawl(t, site, func(j *crawler.Job) { j.PerHost = 3 }).seed("/a", "/b", "/c")
	c.finish()
	c.wantRequests(map[string]int{"/d": 1})
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 1, crawler.OutcomeFollowed: 1,
		crawler.OutcomeRedirected: 2})
}

func TestARedirectToASeenURLEndsThere(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links(), "/b": "301 /a"})
	c := newCrawl(t, site, nil).seed("/a", "/b")
	c.finish()
	c.wantRecords(map[string]string{"/a": "fetched", "/b": "redirected"})
	c.wantRequests(map[string]int{"/a": 1, "/b": 1})
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 1, crawler.OutcomeRedirected: 1})
}

func TestARedirectToAnotherHostWaitsForAVisitThere(t *testing.T) {
	t.Parallel()
	there := web{"/b": links("/c"), "/c": links()}
	here := web{}
	site := testsite.Serve(t, here, there)
	here["/a"] = "307 " + site.URL(1, "/b")
	c := newCrawl(t, site, nil).seed("/a")
	c.finish()
	if rec := c.record("/a"); rec.Outcome != crawler.OutcomeRedirected || rec.FinalURL != site.URL(1, "/b") {
		t.Errorf("recorded as %+v", rec)
	}
	for _, rec := range c.sink.records() {
		if rec.URL == site.URL(1, "/b") && (rec.Referrer != site.URL(0, "/a") || rec.Depth != 0) {
			t.Errorf("the target is recorded as %+v", rec)
		}
	}
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 2, crawler.OutcomeRedirected: 1})
}

func TestARedirectOutOfScopeIsNotFollowed(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": "301 /private/b", "/private/b": links()})
	c := newCrawl(t, site, func(j *crawler.Job) { j.Exclude = []string{"/private/"} }).seed("/a")
	c.finish()
	c.wantRecords(map[string]string{"/a": "redirected excluded"})
	c.wantRequests(map[string]int{"/private/b": 0})
}

func TestAnInvalidRedirectFails(t *testing.T) {
	t.Parallel()
	pages := web{"/loop": "301 /pool", "/pool": "301 /loop", "/self": "302 /self#again", "/mail": "301 mailto:a@b.test",
		"/gone": "301 /404"}
	for i := range 20 {
		pages[fmt.Sprintf("/chain/%d", i)] = fmt.Sprintf("301 /chain/%d", i+1)
	}
	c := newCrawl(t, testsite.Serve(t, pages), nil).seed("/loop", "/self", "/mail", "/gone", "/chain/0")
	c.finish()
	c.wantRecords(map[string]string{
		"/loop": "failed redirects in a loop, to " + c.site.URL(0, "/loop"), "/self": "failed redirects in a loop, to ",
		"/mail": `failed redirects to "mailto:a@b.test"`, "/gone": "gone the server answered 404",
		"/chain/0": "failed more than 10 redirects",
	})
	c.wantRequests(map[string]int{"/loop": 1, "/pool": 1, "/self": 1, "/404": 1, "/chain/10": 1, "/chain/11": 0})
	if n := c.counters(); n.Waiting+n.Flight != 0 {
		t.Errorf("%d URLs wait and %d are in flight", n.Waiting, n.Flight)
	}
}

func TestTenRedirectsAreFollowed(t *testing.T) {
	t.Parallel()
	pages := web{"/10": links()}
	for i := range 10 {
		pages[fmt.Sprintf("/%d", i)] = fmt.Sprintf("301 /%d", i+1)
	}
	c := newCrawl(t, testsite.Serve(t, pages), nil).seed("/0")
	c.finish()
	c.wantRecords(map[string]string{"/0": "fetched"})
}

func TestRedirectsBetweenHostsAreCounted(t *testing.T) {
	t.Parallel()
	one, two := web{}, web{}
	site := testsite.Serve(t, one, two)
	for i := range 20 {
		one[fmt.Sprintf("/%d", i)] = "301 " + site.URL(1, fmt.Sprintf("/%d", i))
		two[fmt.Sprintf("/%d", i)] = "301 " + site.URL(0, fmt.Sprintf("/%d", i+1))
	}
	c := newCrawl(t, site, nil).seed("/0")
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeRedirected: 10, crawler.OutcomeFailed: 1})
	c.wantRequests(map[string]int{"/5": 1, "/6": 0})
}

func TestARedirectTargetIsRetriedAsItsOwnURL(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": "301 /b", "/b": links()})
	site.Fail("/b", 503)
	c := newCrawl(t, site, nil).seed("/a")
	c.finish()
	c.wantRecords(map[string]string{"/a": "redirected", "/b": "fetched"})
	c.wantRequests(map[string]int{"/a": 2, "/b": 2})
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 1, crawler.OutcomeRedirected: 1})
}

// crawlMovedSite crawls a site with seeds on the first host only. The first host's /old redirects
// to the second host and from there to the third, which has the pages.
func crawlMovedSite(t *testing.T, change func(*crawler.Job)) (*crawl, *testsite.Site) {
	t.Helper()
	first, second, third := web{}, web{}, web{"/new": links("/page"), "/page": links()}
	site := testsite.Serve(t, first, second, third)
	first["/old"], second["/"] = "301 "+site.URL(1, "/"), "301 "+site.URL(2, "/new")
	first["/away"], first["/links"] = "301 "+site.URL(2, "/page"), links("/away")
	c := newCrawl(t, site, func(j *crawler.Job) {
		j.Scope = crawler.ScopeHost
		if change != nil {
			change(j)
		}
	})
	c.homes = []crawler.Host{crawler.Host(site.Hosts()[0])}
	return c, site
}

func TestAHostThatASeedRedirectsToIsASeedsHost(t *testing.T) {
	t.Parallel()
	c, site := crawlMovedSite(t, nil)
	c.seed("/old").finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 2, crawler.OutcomeRedirected: 2})
	for _, rec := range c.sink.records() {
		want := map[string]string{site.URL(0, "/old"): site.Hosts()[1], site.URL(1, "/"): site.Hosts()[2]}[rec.URL]
		if rec.SeedHost != want || rec.Error != "" {
			t.Errorf("%s: got seed host %q, want %q; error %q", rec.URL, rec.SeedHost, want,
				rec.Error)
		}
	}
}

func TestASeedRedirectIsNotFollowedIfConfigured(t *testing.T) {
	t.Parallel()
	c, site := crawlMovedSite(t, func(j *crawler.Job) { j.SeedRedirects = crawler.SeedRedirectsStay })
	c.seed("/old").finish()
	rec := c.record("/old")
	for _, part := range []string{"outside of scope host", site.URL(1, "/"), "seed_redirects",
		"seed_redirects be follow"} {
		if rec.Outcome != crawler.OutcomeRedirected || !strings.Contains(rec.Error, part) {
			t.Errorf("got outcome %s, error %q, want %q", rec.Outcome, rec.Error, part)
		}
	}
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeRedirected: 1})
}

// Only redirects of seeds add a host to the scope. Redirects of pages and excluded redirects do
// not.
func TestARedirectOfAPageOrToAnExcludedURLAddsNoHost(t *testing.T) {
	t.Parallel()
	c, _ := crawlMovedSite(t, nil)
	c.seed("/links").finish()
	c.wantRecords(map[string]string{"/links": "fetched", "/away": "redirected outside of scope host"})
	c, site := crawlMovedSite(t, func(j *crawler.Job) { j.Exclude = []string{"/new"} })
	c.seed("/old").finish()
	for _, rec := range c.sink.records() {
		if rec.URL == site.URL(1, "/") && (!strings.HasPrefix(rec.Error, "excluded") ||
			!strings.Contains(rec.Error, site.URL(2, "/new"))) {
			t.Errorf("got outcome %s, error %q", rec.Outcome, rec.Error)
		}
	}
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeRedirected: 2})
}
