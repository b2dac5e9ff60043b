package visit_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// known has the results of earlier fetches, by URL.
type known map[string]fetched.Earlier

func (k known) Find(u crawler.URL) *fetched.Earlier {
	e, ok := k[u.String()]
	if !ok {
		return nil
	}
	return &e
}

// earlier returns a page with a tag, whose content led to paths.
func (c *crawl) earlier(tag string, paths ...string) fetched.Earlier {
	e := fetched.Earlier{
		ETag: tag, LastModified: "Sun, 29 Nov 2026 12:00:00 GMT",
		Record:   crawler.SameAs{URL: "http://x/", Job: "before", Output: "before", Digest: "sha256:00"},
		Document: &fetched.Document{Title: "before", Charset: "utf-8"},
	}
	for _, path := range paths {
		e.Document.Links = append(e.Document.Links, rules.Link{URL: parseURL(c.t, c.site.URL(0, path))})
	}
	return e
}

// tagged serves pages with an ETag, and answers conditional requests for it with 304. It notes the
// conditions of all requests.
type tagged struct {
	pages web
	tag   string

	mu         sync.Mutex
	conditions map[string][]string // by path: If-None-Match and If-Modified-Since of each request
}

func (s *tagged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.conditions == nil {
		s.conditions = make(map[string][]string)
	}
	condition := r.Header.Get("If-None-Match") + " " + r.Header.Get("If-Modified-Since")
	s.conditions[r.RequestURI] = append(s.conditions[r.RequestURI], condition)
	s.mu.Unlock()
	w.Header().Set("ETag", s.tag)
	if r.Header.Get("If-None-Match") == s.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.pages.ServeHTTP(w, r)
}

func (s *tagged) requests(path string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conditions[path]
}

func TestTheLinksOfAnUnchangedPageAreFollowed(t *testing.T) {
	t.Parallel()
	for name, depth := range map[string]int{"at any depth": -1, "where depth decides": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &tagged{tag: `"1"`, pages: web{"/": "new", "/a": "new", "/b": links("/c"), "/c": links()}}
			c := newCrawl(t, testsite.Serve(t, server), func(j *crawler.Job) { j.Depth = depth }).seed("/")
			c.tools.Validators = known{
				c.site.URL(0, "/"):  c.earlier(`"1"`, "/a", "/b"),
				c.site.URL(0, "/a"): c.earlier(`"1"`),
				c.site.URL(0, "/b"): c.earlier(`"old"`, "/gone"),
			}
			c.finish()
			c.wantRecords(map[string]string{"/": "not_modified ", "/a": "not_modified ", "/b": "fetched", "/c": "fetched"})
			c.wantRequests(map[string]int{"/": 1, "/a": 1, "/b": 1, "/c": 1, "/gone": 0})
			rec := c.record("/")
			if rec.SameAs == nil || rec.SameAs.Output != "before" || rec.Links != 2 || rec.Title != "before" {
				t.Errorf("the record of an unchanged page is %+v", rec)
			}
			if rec := c.record("/b"); rec.SameAs != nil {
				t.Errorf("the record of a changed page refers to %+v", rec.SameAs)
			}
			if got, want := server.requests("/")[0], `"1" Sun, 29 Nov 2026 12:00:00 GMT`; got != want {
				t.Errorf("the conditions of / are %q, want %q", got, want)
			}
			if got := server.requests("/robots.txt")[0]; got != " " {
				t.Errorf("robots.txt was requested with the conditions %q", got)
			}
		})
	}
}

func TestContentThatCameAgainRefersToTheEarlierRecord(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/": links("/a"), "/a": "fresh"}), nil).seed("/")
	c.finish()
	again := newCrawl(t, c.site, nil).seed("/")
	e := again.earlier("")
	e.LastModified, e.Record.Digest = "", c.record("/").Digest
	again.tools.Validators = known{c.site.URL(0, "/"): e, c.site.URL(0, "/a"): e}
	again.finish()
	again.wantRecords(map[string]string{"/": "fetched", "/a": "fetched"})
	if rec := again.record("/"); rec.SameAs == nil || *rec.SameAs != e.Record || rec.Digest == "" {
		t.Errorf("the record of identical content is %+v", rec)
	}
	if rec := again.record("/a"); rec.SameAs != nil {
		t.Errorf("the record of other content refers to %+v", rec.SameAs)
	}
}

func TestAPageIsNotLostToA304ThatWasNotAskedFor(t *testing.T) {
	t.Parallel()
	// The first request without a condition is answered with 304.
	var once sync.Once
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		careless := false
		if r.URL.Path == "/" {
			once.Do(func() { careless = true })
		}
		if careless || r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		web{"/": links("/a"), "/a": "a"}.ServeHTTP(w, r)
	}))
	c := newCrawl(t, site, nil).seed("/")
	c.tools.Validators = known{c.site.URL(0, "/a"): c.earlier(`"1"`)}
	c.finish()
	// After that, the host is not believed even when it answers a condition.
	c.wantRecords(map[string]string{"/": "fetched", "/a": "fetched"})
	c.wantRequests(map[string]int{"/": 2, "/a": 1})
}

func TestAServerThatAlwaysAnswers304HasNoPages(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNotModified)
	}))
	c := newCrawl(t, site, func(j *crawler.Job) { j.Retries = 1 }).seed("/")
	c.finish()
	c.wantRecords(map[string]string{"/": "failed the server answered 304 Not Modified, although the request was not"})
	if rec := c.record("/"); rec.ErrorClass != crawler.ErrorProtocol || rec.SameAs != nil {
		t.Errorf("the record is %+v", rec)
	}
	c.wantRequests(map[string]int{"/": 4}) // each try makes one more request, past caches
}

func TestA304AboutOtherContentIsNotBelieved(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.Header().Set("ETag", `"2"`)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		web{"/": links("/a"), "/a": "a"}.ServeHTTP(w, r)
	}))
	c := newCrawl(t, site, nil).seed("/")
	c.tools.Validators = known{c.site.URL(0, "/"): c.earlier(`"1"`, "/old")}
	c.finish()
	c.wantRecords(map[string]string{"/": "fetched", "/a": "fetched"})
}

func TestTheTargetOfARedirectMayBeUnchanged(t *testing.T) {
	t.Parallel()
	server := &tagged{tag: `"1"`, pages: web{"/b": links()}}
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/a", http.StatusFound)
			return
		}
		server.ServeHTTP(w, r)
	}))
	c := newCrawl(t, site, nil).seed("/")
	c.tools.Validators = known{c.site.URL(0, "/"): c.earlier(`"1"`), c.site.URL(0, "/a"): c.earlier(`"1"`, "/b")}
	c.finish()
	c.wantRecords(map[string]string{"/": "not_modified ", "/b": "fetched"})
	if rec := c.record("/"); rec.FinalURL != c.site.URL(0, "/a") || rec.SameAs == nil {
		t.Errorf("the record is %+v", rec)
	}
}

func TestWhatIsNotKeptOfAPageIsNotReferredToEither(t *testing.T) {
	t.Parallel()
	server := &tagged{tag: `"1"`, pages: web{}}
	c := newCrawl(t, testsite.Serve(t, server), func(j *crawler.Job) {
		j.Rights, j.Purpose = crawler.RightsSkip, "train-ai"
	}).seed("/")
	e := c.earlier(`"1"`)
	e.Document.Rights = []crawler.Statement{{Vocabulary: "robots", Statement: "noai", Source: "meta"}}
	c.tools.Validators = known{c.site.URL(0, "/"): e}
	c.finish()
	if rec := c.record("/"); rec.SameAs != nil || rec.Outcome != crawler.OutcomeNotModified || rec.Title != "" {
		t.Errorf("the record of a page that is reserved is %+v", rec)
	}
}
