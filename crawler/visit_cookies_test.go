package crawler_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/testsite"
)

// bar is a site that lets in who brings back the cookie that it gave, and leads
// everybody else around.
type bar struct {
	name string
	mu   sync.Mutex
	got  []string // cookies that came
}

func (b *bar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, r.Header.Get("Cookie"))
	if _, err := r.Cookie(b.name); err != nil {
		http.SetCookie(w, &http.Cookie{Name: b.name, Value: "1", Path: "/"})
		switch r.URL.Path {
		case "/self":
			http.Redirect(w, r, "/self", http.StatusFound)
		case "/check":
			http.Redirect(w, r, "/gate", http.StatusFound)
		case "/gate":
			http.Redirect(w, r, "/check", http.StatusFound)
		}
		return
	}
	fmt.Fprint(w, links("/b"))
}

func TestASiteThatTriesCookiesOutIsEntered(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/self", "/check"} {
		here := &bar{name: "here"}
		site := testsite.Serve(t, here)
		c := newCrawl(t, site, func(j *crawler.Job) { j.Cookies, j.IgnoreRobots = true, true }).seed(path)
		c.finish()
		c.kept(map[string]string{path: "fetched", "/b": "fetched"})
		if rec := c.record(path); rec.Links != 1 || rec.FinalURL != site.URL(0, path) && path == "/self" {
			t.Errorf("%s is kept as %+v", path, rec)
		}
		without := newCrawl(t, testsite.Serve(t, &bar{name: "here"}), func(j *crawler.Job) { j.IgnoreRobots = true }).seed(path)
		without.finish()
		without.kept(map[string]string{path: "failed redirects in a loop"})
	}
}

func TestACookieThatComesAgainAndAgainIsALoop(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	c := newCrawl(t, site, func(j *crawler.Job) { j.Cookies, j.IgnoreRobots = true, true }).seed("/a")
	c.finish()
	c.kept(map[string]string{"/a": "failed more than 10 redirects"})
}

func TestCookiesStayWithTheirHost(t *testing.T) {
	t.Parallel()
	here, there := &bar{name: "here"}, &bar{name: "there"}
	site := testsite.Serve(t, here, there)
	c := newCrawl(t, site, func(j *crawler.Job) { j.Cookies = true }).seed("/self")
	c.admit(crawler.Entry{URL: parseURL(t, site.URL(1, "/self"))})
	c.finish()
	for _, b := range []*bar{here, there} {
		again := 0
		for _, cookie := range b.got {
			if cookie != "" && cookie != b.name+"=1" {
				t.Errorf("%s got %q", b.name, cookie)
			}
			if cookie != "" {
				again++
			}
		}
		if again < 2 {
			t.Errorf("%s got its cookie back %d times", b.name, again)
		}
	}
}
