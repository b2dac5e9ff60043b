package visit_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// newCheckCrawl creates a job that crawls the first host and checks the links to other hosts.
func newCheckCrawl(t *testing.T, site *testsite.Site, change func(*crawler.Job)) *crawl {
	t.Helper()
	c := newCrawl(t, site, func(j *crawler.Job) {
		j.Scope, j.Check, j.Retries = crawler.ScopeHost, crawler.CheckLinks, 0
		if change != nil {
			change(j)
		}
	})
	c.homes = []crawler.Host{crawler.Host(site.Hosts()[0])}
	return c
}

// requests returns the methods of the requests for a path of the i-th host, in order.
func (c *crawl) requests(i int, path string) string {
	var methods []string
	for _, r := range c.site.Requests() {
		if r.Host == c.site.Hosts()[i] && r.Path == path {
			methods = append(methods, r.Method)
		}
	}
	return strings.Join(methods, " ")
}

func TestLinksOutOfScopeAreRequestedOnceAndNotParsed(t *testing.T) {
	t.Parallel()
	here, there := web{}, web{"/good": links("/never"), "/moved": "301 /good2", "/good2": links("/never")}
	site := testsite.Serve(t, here, there)
	far := func(path string) string { return site.URL(1, path) }
	here["/"] = links("/in", far("/good"), far("/missing"), far("/moved"), far("/broken"), far("/nohead"),
		far("/secret"), far("/left/out"))
	here["/in"] = links(far("/good"), "/deeper") + `<a rel=nofollow href="` + far("/nofollow") + `">x</a>`
	here["/deeper"] = links()
	site.Handle(site.Hosts()[1]+"/nohead", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		_, _ = w.Write(make([]byte, 1<<20))
	}))
	site.Handle(site.Hosts()[1]+"/broken", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	site.Robots("User-agent: *\nDisallow: /secret\n")
	c := newCheckCrawl(t, site, func(j *crawler.Job) { j.Exclude = []string{"/left/"} }).seed("/")
	c.finish()

	for path, want := range map[string]string{
		"/good": "HEAD", "/missing": "HEAD GET", "/moved": "HEAD", "/good2": "HEAD", "/nohead": "HEAD GET",
		"/nofollow": "HEAD GET", "/secret": "", "/left/out": "", "/never": "",
	} {
		if got := c.requests(1, path); got != want {
			t.Errorf("%s was requested by %q, want %q", path, got, want)
		}
	}
	got := make(map[string]string)
	for _, rec := range c.sink.records() {
		if path, ok := strings.CutPrefix(rec.URL, site.URL(1, "")); ok {
			if got[path] = string(rec.Outcome); !rec.Checked || rec.Bytes != 0 || rec.Truncated {
				t.Errorf("%s is recorded as %+v, want it checked but not parsed", path, rec)
			}
		} else if rec.Checked {
			t.Errorf("%s was only checked, but is in scope", rec.URL)
		}
		if want := site.URL(1, "/good2"); rec.URL == site.URL(1, "/moved") && rec.MovedTo != want {
			t.Errorf("%s moved to %q, want %q", rec.URL, rec.MovedTo, want)
		}
	}
	want := map[string]string{
		"/good": "fetched", "/missing": "gone", "/moved": "fetched", "/nohead": "fetched", "/broken": "failed",
		"/secret": "disallowed", "/nofollow": "gone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checked (-want +got):\n%s", diff)
	}
}

func TestLinksOfTheDeepestPagesAreChecked(t *testing.T) {
	t.Parallel()
	here := web{
		"/": links("/a", "/b"), "/a": links("/near", "/missing"), "/b": links("/c"), "/near": links("/far"),
		"/c": links("/near2"),
	}
	c := newCheckCrawl(t, testsite.Serve(t, here), func(j *crawler.Job) { j.Depth = 1 }).seed("/")
	c.finish()
	c.wantRequests(map[string]int{"/a": 1, "/near": 1, "/missing": 1, "/c": 1, "/far": 0, "/near2": 0})
}

func TestLinksOfAPageAreFollowedWhenItsDepthShrinks(t *testing.T) {
	t.Parallel()
	here := web{"/": links("/a"), "/a": links("/b"), "/b": links("/c"), "/c": links("/d")}
	c := newCheckCrawl(t, testsite.Serve(t, here), func(j *crawler.Job) { j.Depth = 1 }).seed("/")
	c.finish()
	c.wantRequests(map[string]int{"/a": 1, "/b": 1, "/c": 0})
	c.seed("/b") // parsed before, but its links were too deep
	check(t, c.frontier.Approach(t.Context()))
	c.finish()
	c.wantRequests(map[string]int{"/b": 1, "/c": 1, "/d": 1})
}

func TestALinkThatRedirectsIntoTheScopeIsParsed(t *testing.T) {
	t.Parallel()
	here, there := web{"/end": links("/last"), "/last": links()}, web{}
	site := testsite.Serve(t, here, there)
	here["/"], there["/back"] = links(site.URL(1, "/back")), "302 "+site.URL(0, "/end")
	c := newCheckCrawl(t, site, nil).seed("/")
	c.finish()
	c.wantRequests(map[string]int{"/back": 1, "/end": 1, "/last": 1})
}

func TestARedirectOutOfScopeIsChecked(t *testing.T) {
	t.Parallel()
	here := web{"/docs/": links("/docs/a", "/other"), "/docs/a": "301 /other/b", "/other/b": links("/never")}
	there := web{"/": links("/never")}
	site := testsite.Serve(t, here, there)
	here["/other"] = "307 " + site.URL(1, "/")
	c := newCheckCrawl(t, site, func(j *crawler.Job) { j.Include = []string{"/docs/"} }).seed("/docs/")
	c.finish()
	c.wantRequests(map[string]int{"/docs/a": 1, "/other": 1, "/other/b": 1, "/never": 0})
	got := []string{c.requests(0, "/docs/a"), c.requests(0, "/other/b"), c.requests(0, "/other"), c.requests(1, "/")}
	if !slices.Equal(got, []string{"GET", "HEAD", "HEAD", "HEAD"}) {
		t.Errorf("requests: got %q", got)
	}
}

func TestASeedThatRedirectsToAnotherHostIsParsed(t *testing.T) {
	t.Parallel()
	here, there := web{}, web{"/": links("/a"), "/a": links()}
	site := testsite.Serve(t, here, there)
	here["/"] = "301 " + site.URL(1, "/")
	c := newCheckCrawl(t, site, nil).seed("/")
	c.finish()
	if got := c.requests(1, "/a"); got != "GET" {
		t.Errorf("a link of the new host was requested by %q, want GET", got)
	}
}

func TestResourcesOutOfScopeAreChecked(t *testing.T) {
	t.Parallel()
	here, there := web{"/": ""}, web{"/pic": "x"}
	site := testsite.Serve(t, here, there)
	here["/"] = `<!DOCTYPE html><img src="` + site.URL(1, "/pic") + `"><img src="/own">`
	c := newCheckCrawl(t, site,
		func(j *crawler.Job) { j.Resources, j.ResourceScope = true, crawler.ScopeHost }).seed("/")
	c.finish()
	if got := []string{c.requests(1, "/pic"), c.requests(0, "/own")}; !slices.Equal(got, []string{"HEAD", "GET"}) {
		t.Errorf("requests: got %q, want HEAD for the far picture and GET for the near one", got)
	}
}
