package visit_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func urlset(locations ...string) string {
	return "<?xml version='1.0'?><urlset><url><loc>" + strings.Join(locations, "</loc></url><url><loc>") +
		"</loc></url></urlset>"
}

func sitemapIndex(locations ...string) string {
	return "<?xml version='1.0'?><sitemapindex><sitemap><loc>" +
		strings.Join(locations, "</loc></sitemap><sitemap><loc>") + "</loc></sitemap></sitemapindex>"
}

// serveText serves a plain text.
func serveText(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, text)
	})
}

// readingSitemaps returns a change to a job that makes it read sitemaps, followed by another
// change.
func readingSitemaps(change func(*crawler.Job)) func(*crawler.Job) {
	return func(j *crawler.Job) {
		j.Sitemaps = true
		if change != nil {
			change(j)
		}
	}
}

// found returns "depth via" for each record of the first host, with paths instead of URLs.
func (c *crawl) found() map[string]string {
	found := make(map[string]string)
	root := strings.TrimSuffix(c.site.URL(0, "/"), "/")
	for _, r := range c.sink.records() {
		path := strings.TrimPrefix(r.URL, root)
		if was, twice := found[path]; twice {
			c.t.Errorf("%s has two records: %s", path, was)
		}
		found[path] = strings.TrimSpace(fmt.Sprintf("%d %s", r.Depth, strings.TrimPrefix(r.Referrer, root)))
	}
	return found
}

func TestSitemapsInRobotsAreReadWithTheirIndexes(t *testing.T) {
	t.Parallel()
	page := links()
	site := testsite.Serve(t, web{
		"/": links("/linked"), "/linked": page, "/index.xml": sitemapIndex("/1.xml", "/index.xml", "/moved.xml"),
		"/1.xml": urlset("/a", "/b", "/linked"),
		"/a":     links("/deep"), "/b": page, "/deep": page, "/moved.xml": "301 /2.xml", "/2.xml": urlset("/c"),
		"/c": page,
	})
	site.Robots("User-agent: *\nSitemap: " + site.URL(0, "/index.xml") + "\nSitemap: nosuch.xml\nSitemap: ftp://x/\n")
	c := newCrawl(t, site, readingSitemaps(nil)).root()
	c.finish()
	want := map[string]string{
		"/": "0", "/linked": "1 /", "/index.xml": "0 /robots.txt", "/nosuch.xml": "0 /robots.txt",
		"/1.xml": "0 /index.xml", "/moved.xml": "0 /index.xml", "/a": "0 /1.xml", "/b": "0 /1.xml", "/c": "0 /2.xml",
		"/deep": "1 /a",
	}
	if diff := cmp.Diff(want, c.found()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if rec := c.record("/1.xml"); rec.Outcome != crawler.OutcomeFetched || rec.Links != 3 || rec.Error != "" {
		t.Errorf("the sitemap is recorded as %+v", rec)
	}
	c.wantRequests(map[string]int{"/1.xml": 1, "/2.xml": 1, "/robots.txt": 1})
}

func TestSitemapsAreNotReadUnlessConfigured(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links("/sitemap.xml"), "/sitemap.xml": urlset("/a"), "/a": links()})
	site.Robots("Sitemap: /robots.xml\n")
	c := newCrawl(t, site, nil).root()
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched", "/sitemap.xml": "fetched"})
}

func TestASitemapThatIsASeedOrALinkIsRead(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{
		"/seed.xml": urlset("/a"), "/a": links("/linked.xml"), "/linked.xml": sitemapIndex("/1.xml"),
		"/1.xml": urlset("/b"), "/b": links(),
		"/feed": "<rss><item><link>/c</link></item></rss>",
	})
	c := newCrawl(t, site, readingSitemaps(nil)).seed("/seed.xml", "/feed")
	c.finish()
	want := map[string]string{"/seed.xml": "0", "/a": "0 /seed.xml", "/linked.xml": "1 /a", "/1.xml": "1 /linked.xml",
		"/b": "1 /1.xml", "/feed": "0", "/sitemap.xml": "0 /robots.txt"}
	if diff := cmp.Diff(want, c.found()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestScopeAndFiltersApplyToSitemaps(t *testing.T) {
	t.Parallel()
	other := web{"/x": links(), "/there.xml": urlset("/x")}
	site := testsite.Serve(t, web{
		"/": links(), "/here.xml": urlset("/page/a", "/page/no", "/other", "http://elsewhere.invalid/page/"),
		"/page/a": links("/page/b"), "/page/b": links(),
		"/hidden.xml": urlset("/page/c"), "/no.xml": urlset("/page/d"),
	}, other)
	site.Robots("User-agent: *\nDisallow: /hidden\nSitemap: /here.xml\nSitemap: /hidden.xml\nSitemap: /no.xml\nSitemap: http://elsewhere.invalid/page/sitemap.xml\n")
	c := newCrawl(t, site, readingSitemaps(func(j *crawler.Job) {
		j.Depth, j.Include, j.Exclude = 0, []string{"/page/"}, []string{"/no"}
	})).root()
	c.finish()
	c.wantRecords(map[string]string{
		"/": "fetched", "/here.xml": "fetched", "/page/a": "fetched", "/hidden.xml": "disallowed",
	})
}

// A host found by a link has the depth of the link, and so have the URLs of its sitemap. Otherwise
// sitemaps could continue a crawl without end.
func TestDepthLimitsTheSitemapsOfOtherHosts(t *testing.T) {
	t.Parallel()
	second := web{"/": links(), "/sitemap.xml": urlset("/a"), "/a": links("/b"), "/b": links()}
	first := web{}
	site := testsite.Serve(t, first, second)
	first["/"] = links(site.URL(1, "/"))
	site.Robots("Sitemap: /sitemap.xml\n")
	c := newCrawl(t, site, readingSitemaps(func(j *crawler.Job) { j.Depth = 1 })).root()
	c.finish()
	depths := make(map[string]int)
	for _, r := range c.sink.records() {
		if path, ok := strings.CutPrefix(r.URL, strings.TrimSuffix(site.URL(1, "/"), "/")); ok {
			depths[path] = r.Depth
		}
	}
	if want := map[string]int{"/": 1, "/sitemap.xml": 1, "/a": 1}; !maps.Equal(depths, want) {
		t.Errorf("records of the other host, by depth: got %v, want %v", depths, want)
	}
}

func TestNestedSitemapIndexesEnd(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{
		"/": links(), "/1.xml": sitemapIndex("/2.xml"), "/2.xml": sitemapIndex("/3.xml"),
		"/3.xml": sitemapIndex("/4.xml"), "/4.xml": urlset("/a"), "/a": links(),
	})
	site.Robots("Sitemap: /1.xml\n")
	c := newCrawl(t, site, readingSitemaps(nil)).root()
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched", "/1.xml": "fetched", "/2.xml": "fetched", "/3.xml": "fetched"})
}

// Only the referrer knows that a plain text is a sitemap.
func TestARetriedSitemapIsStillASitemap(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links(), "/a": links()})
	site.Robots("Sitemap: /list\n")
	failures := 2
	site.Handle("/list", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if failures > 0 {
			failures--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		serveText(site.URL(0, "/a\n")).ServeHTTP(w, r)
	}))
	c := newCrawl(t, site, readingSitemaps(nil)).root()
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched", "/list": "fetched", "/a": "fetched"})
	c.wantRequests(map[string]int{"/list": 3})
}

func TestErrorsOfASitemapAreInItsRecord(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{
		"/": links(), "/cut.xml": strings.TrimSuffix(urlset("/a"), "</urlset>"), "/a": links(),
		"/page.html": links("/b"), "/b": links(), "/none.txt": "",
	})
	site.Robots("Sitemap: /cut.xml\nSitemap: /page.html\nSitemap: /none.txt\n")
	site.Handle("/none.txt", serveText("nothing of use\n"))
	c := newCrawl(t, site, readingSitemaps(nil)).root()
	c.finish()
	c.wantRecords(map[string]string{
		"/": "fetched", "/a": "fetched", "/page.html": "fetched", "/b": "fetched",
		"/cut.xml":  "fetched the sitemap is read in part: it ends before </urlset>",
		"/none.txt": "fetched it was named as a sitemap but is not one",
	})
}

// A site shows its visitors links, so they come before sitemaps.
func TestPagesOfSitemapsWaitForLinkedPages(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(5)
	listed := []string{"/l1", "/l2", "/l3"}
	for _, path := range listed {
		pages[path] = links()
	}
	pages["/"], pages["/sitemap.xml"] = links(append([]string{"/sitemap.xml"}, paths...)...), urlset(listed...)
	site := testsite.Serve(t, pages)
	c := newCrawl(t, site, readingSitemaps(nil)).root()
	c.finish()
	var order []string
	for _, r := range c.site.Requests() {
		order = append(order, r.Path)
	}
	if last := order[len(order)-len(listed):]; !slices.Equal(last, listed) {
		t.Errorf("order of requests: got %q", order)
	}
}

func TestTheDefaultSitemapIsReadIfRobotsNamesNone(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links(), "/listed": links()})
	site.Handle("/sitemap.xml", serveText(urlset("/listed")))
	c := newCrawl(t, site, readingSitemaps(nil)).seed("/")
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched", "/sitemap.xml": "fetched", "/listed": "fetched"})
}

func TestSitemapPrioritiesOrderRequests(t *testing.T) {
	t.Parallel()
	listing := "<urlset><url><loc>/old</loc><lastmod>2001-01-01</lastmod></url><url><loc>/usual</loc></url>" +
		"<url><loc>/new</loc><lastmod>" + time.Now().Format(time.DateOnly) +
		"</lastmod></url><url><loc>/best</loc><priority>0.9</priority></url></urlset>"
	site := testsite.Serve(t, web{"/old": links(), "/usual": links(), "/new": links(), "/best": links()})
	site.Handle("/sitemap.xml", serveText("<?xml version='1.0'?>"+listing))
	c := newCrawl(t, site, readingSitemaps(nil)).seed("/sitemap.xml")
	c.finish()
	var order []string
	for _, r := range site.Requests() {
		order = append(order, r.Path)
	}
	want := []string{"/robots.txt", "/sitemap.xml", "/new", "/best", "/old", "/usual"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestAnLLMsTextIsReadAsAListOfPagesIfConfigured(t *testing.T) {
	t.Parallel()
	serve := func(t *testing.T, kind string) *testsite.Site {
		site := testsite.Serve(t, web{"/": links("/a"), "/a": "a", "/b.md": "b", "/sitemap.xml": "404"})
		site.Handle("/llms.txt", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			fmt.Fprint(w, "# Shop\n- [B](/b.md): only here\n- [elsewhere](https://elsewhere.example/)\n")
		}))
		return site
	}
	for name, c := range map[string]struct {
		change func(*crawler.Job)
		kind   string
		asked  map[string]int
	}{
		"not by default": {nil, "text/plain", map[string]int{"/llms.txt": 0, "/b.md": 0}},
		"configured": {func(j *crawler.Job) { j.LLMsText = true }, "text/plain",
			map[string]int{"/llms.txt": 1, "/b.md": 1, "/sitemap.xml": 0}},
		"as Markdown": {func(j *crawler.Job) { j.LLMsText = true }, "text/markdown",
			map[string]int{"/llms.txt": 1, "/b.md": 1}},
		"with sitemaps": {func(j *crawler.Job) { j.LLMsText, j.Sitemaps = true, true }, "text/plain",
			map[string]int{"/llms.txt": 1, "/b.md": 1, "/sitemap.xml": 1}},
		"a page that is no list": {func(j *crawler.Job) { j.LLMsText = true }, "text/html",
			map[string]int{"/llms.txt": 1, "/b.md": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crawl := newCrawl(t, serve(t, c.kind), c.change).seed("/")
			crawl.homes = []crawler.Host{parseURL(t, crawl.site.URL(0, "/")).Host()}
			crawl.finish()
			crawl.wantRequests(c.asked)
			crawl.wantRequests(map[string]int{"/a": 1})
		})
	}
}
