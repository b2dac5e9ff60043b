package visit_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// cookieLog serves pages, sets a cookie with each of them, and remembers the cookies of requests.
type cookieLog struct {
	name  string
	pages map[string]string

	mu  sync.Mutex
	got map[string]string // by path
}

func (l *cookieLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.got == nil {
		l.got = make(map[string]string)
	}
	if r.URL.Path == "/robots.txt" {
		http.NotFound(w, r)
		return
	}
	l.got[r.URL.Path] = r.Header.Get("Cookie")
	http.SetCookie(w, &http.Cookie{Name: l.name, Value: "1", Path: "/"})
	fmt.Fprint(w, l.pages[r.URL.Path])
}

func TestCookiesOfScriptsAreThoseOfTheJob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keeps       bool
		here, there map[string]string // the cookies of each request
	}{
		"a job that keeps cookies": {true,
			map[string]string{"/": "", "/api": "here=1; script=set", "/next": "here=1; script=set"},
			map[string]string{"/shown": "", "/page": "there=1"}},
		"a job that keeps none": {false,
			map[string]string{"/": "", "/api": "", "/next": ""}, map[string]string{"/shown": "", "/page": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := &cookieLog{name: "here"}, &cookieLog{name: "there"}
			site := testsite.ServeLinked(t, 2, func(hosts []string) []http.Handler {
				here.pages = map[string]string{
					"/": shell(`document.cookie = "script=set"`, `show("/api")`, fmt.Sprintf(`show("http://%s/shown")`, hosts[1])) +
						links("/next"),
					"/next": complete(),
				}
				there.pages = map[string]string{"/page": complete()}
				return []http.Handler{here, there}
			})
			crawl := rendering(newCrawl(t, site, renderMode(crawler.RenderAlways, func(j *crawler.Job) {
				j.Cookies, j.RenderScope = c.keeps, crawler.ScopeAny
			})), new(fakeBrowser)).root()
			crawl.finish()
			crawl.admit(queue.Entry{URL: parseURL(t, site.URL(1, "/page"))})
			crawl.finish()
			if diff := cmp.Diff(c.here, here.got); diff != "" {
				t.Errorf("cookies that the page's host got (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.there, there.got); diff != "" {
				t.Errorf("cookies that the other host got (-want +got):\n%s", diff)
			}
		})
	}
}
