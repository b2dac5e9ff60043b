package visit_test

import (
	"fmt"
	"net/http"
	"path"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// typedWeb serves pages like web, with the Content-Type of their extension.
type typedWeb web

func (w typedWeb) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	kind := map[string]string{".css": "text/css", ".png": "image/png"}[path.Ext(r.URL.Path)]
	body, ok := w[r.RequestURI]
	if kind == "" || !ok {
		web(w).ServeHTTP(out, r)
		return
	}
	out.Header().Set("Content-Type", kind)
	fmt.Fprint(out, body)
}

func TestTheResourcesOfAPageAreFetched(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, typedWeb{
		"/page":     "<img src=/a.png><link rel=stylesheet href=/1.css><object data=/inner></object><a href=/other>x</a>",
		"/a.png":    "<img src=/no.png>",
		"/1.css":    "@import '/2.css'; a { background: url(/moved.png) }",
		"/2.css":    "@import '/3.css'; a { background: url(/2.png) }",
		"/3.css":    "@import '/4.css'",
		"/4.css":    "@import '/5.css'",
		"/5.css":    "@import '/6.css'",
		"/6.css":    "a { background: url(/4.png) }",
		"/2.png":    "2",
		"/inner":    "<img src=/b.png><a href=/page/not>x</a>",
		"/b.png":    "b",
		"/other":    "other",
		"/goal.png": "goal",
	})
	site.Handle("/moved.png", http.RedirectHandler("/goal.png", http.StatusFound))
	c := newCrawl(t, site, func(j *crawler.Job) {
		j.Resources, j.Include, j.Depth = true, []string{"/page"}, 0
	}).seed("/page")
	c.finish()
	c.wantRecords(map[string]string{
		"/page": "fetched", "/a.png": "fetched", "/1.css": "fetched", "/2.css": "fetched", "/3.css": "fetched",
		"/4.css": "fetched", "/5.css": "fetched",
		"/2.png": "fetched", "/inner": "fetched", "/b.png": "fetched", "/moved.png": "fetched",
	})
	c.wantRequests(map[string]int{"/goal.png": 1, "/other": 0, "/6.css": 0, "/no.png": 0})
	if r := c.record("/2.png"); r.Depth != 3 || r.Embeds != 3 || r.Referrer != c.site.URL(0, "/2.css") {
		t.Errorf("record: got depth %d, embeds %d, via %s", r.Depth, r.Embeds, r.Referrer)
	}
	if r := c.record("/page"); r.Resources != 3 || r.Embeds != 0 {
		t.Errorf("the page: got %v resources, embeds %d", r.Resources, r.Embeds)
	}
}

func TestAJobThatFollowsNoLinksFetchesResourcesIfConfigured(t *testing.T) {
	t.Parallel()
	for resources, want := range map[bool]int{false: 0, true: 1} {
		t.Run(fmt.Sprint(resources), func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, testsite.Serve(t, typedWeb{"/": "<img src=/a.png><a href=/b>", "/a.png": "a", "/b": "b"}),
				func(j *crawler.Job) {
					j.Follow, j.Resources = false, resources
				}).seed("/")
			c.finish()
			c.wantRequests(map[string]int{"/": 1, "/a.png": want, "/b": 0})
		})
	}
}
