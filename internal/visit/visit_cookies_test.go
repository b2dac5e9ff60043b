package visit_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// cookieSite is a site that serves its pages to clients that return its cookie, and redirects all
// others.
type cookieSite struct {
	name string
	mu   sync.Mutex
	got  []string // received cookies
}

func (b *cookieSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

func TestASiteThatTestsForCookiesIsFetched(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/self", "/check"} {
		here := &cookieSite{name: "here"}
		site := testsite.Serve(t, here)
		c := newCrawl(t, site, func(j *crawler.Job) { j.Cookies, j.IgnoreRobots = true, true }).seed(path)
		c.finish()
		c.wantRecords(map[string]string{path: "fetched", "/b": "fetched"})
		if rec := c.record(path); rec.Links != 1 || rec.FinalURL != site.URL(0, path) && path == "/self" {
			t.Errorf("%s is recorded as %+v", path, rec)
		}
		without := newCrawl(t, testsite.Serve(t, &cookieSite{name: "here"}),
			func(j *crawler.Job) { j.IgnoreRobots = true }).seed(path)
		without.finish()
		without.wantRecords(map[string]string{path: "failed redirects in a loop"})
	}
}

func TestACookieThatIsSetRepeatedlyIsALoop(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	c := newCrawl(t, site, func(j *crawler.Job) { j.Cookies, j.IgnoreRobots = true, true }).seed("/a")
	c.finish()
	c.wantRecords(map[string]string{"/a": "failed more than 10 redirects"})
}

func TestCookiesStayWithTheirHost(t *testing.T) {
	t.Parallel()
	here, there := &cookieSite{name: "here"}, &cookieSite{name: "there"}
	site := testsite.Serve(t, here, there)
	c := newCrawl(t, site, func(j *crawler.Job) { j.Cookies = true }).seed("/self")
	c.admit(queue.Entry{URL: parseURL(t, site.URL(1, "/self"))})
	c.finish()
	for _, b := range []*cookieSite{here, there} {
		again := 0
		for _, cookie := range b.got {
			if cookie != "" && cookie != b.name+"=1" {
				t.Errorf("%s received %q", b.name, cookie)
			}
			if cookie != "" {
				again++
			}
		}
		if again < 2 {
			t.Errorf("%s received its cookie %d times", b.name, again)
		}
	}
}

// ticketSite is a site that serves its pages only with a ticket cookie. Without the ticket, a page
// redirects to ask. The URLs of gives set a cookie, and redirect as leads says.
type ticketSite struct {
	ask   string            // redirect target of pages without a ticket
	gives map[string]string // cookies, by path and query
	leads map[string]string // redirect targets, by path and query
}

func (h *ticketSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if cookie := h.gives[r.RequestURI]; cookie != "" {
		w.Header().Set("Set-Cookie", cookie)
	}
	switch to := h.leads[r.RequestURI]; {
	case to != "":
		http.Redirect(w, r, to, http.StatusFound)
	case strings.Contains(r.Header.Get("Cookie"), "ticket="):
		fmt.Fprint(w, links())
	default:
		http.Redirect(w, r, h.ask, http.StatusFound)
	}
}

func TestCookiesSetByRedirectsGiveAccessToAPage(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]*ticketSite{
		"at the first URL": {
			ask: "/check", gives: map[string]string{"/page": "ticket=1; Path=/"},
			leads: map[string]string{"/check": "/page"},
		},
		"in between": {
			ask: "/1", gives: map[string]string{"/2": "ticket=1; Path=/"},
			leads: map[string]string{"/1": "/2", "/2": "/3", "/3": "/page"},
		},
		"at the last hop": {
			ask: "/1", gives: map[string]string{"/2": "ticket=1; Path=/"},
			leads: map[string]string{"/1": "/2", "/2": "/page"},
		},
		"an unrelated cookie, and then the ticket": {
			ask: "/1", gives: map[string]string{"/1": "seen=1; Path=/", "/2": "ticket={\"a\":1}; Path=/"},
			leads: map[string]string{"/1": "/2", "/2": "/page"},
		},
	} {
		c := newCrawl(t, testsite.Serve(t, h), func(j *crawler.Job) {
			j.Cookies, j.IgnoreRobots = true, true
		}).seed("/page")
		c.finish()
		if c.wantRecords(map[string]string{"/page": "fetched"}); t.Failed() {
			t.Fatal(name)
		}
		without := newCrawl(t, testsite.Serve(t, h), func(j *crawler.Job) { j.IgnoreRobots = true }).seed("/page")
		without.finish()
		if reason := without.record("/page").Error; !strings.Contains(reason, "redirects in a loop") ||
			!strings.Contains(reason, "the setting cookies") {
			t.Errorf("%s: without cookies it fails for %q", name, reason)
		}
	}
}

func TestUnchangedCookiesCauseNoSecondRequest(t *testing.T) {
	t.Parallel()
	h := &ticketSite{ask: "/1", leads: map[string]string{"/1": "/2", "/2": "/page"}}
	c := newCrawl(t, testsite.Serve(t, h), func(j *crawler.Job) {
		j.Cookies, j.IgnoreRobots = true, true
	}).seed("/page")
	c.finish()
	c.wantRecords(map[string]string{"/page": "failed redirects in a loop, to " + c.site.URL(0, "/page")})
	c.wantRequests(map[string]int{"/page": 1, "/1": 1, "/2": 1})
}

// The page belongs to the record of the URL that set the cookie, because the other URL already has
// a record.
func TestARedirectThroughAnotherHostAndBackEndsAtThePage(t *testing.T) {
	t.Parallel()
	for name, cookieAt := range map[string]string{"set on return": "/land?to=/page", "set at the start": "/page"} {
		desk := &ticketSite{leads: make(map[string]string), gives: map[string]string{"/desk": "desk=1"}}
		here := &ticketSite{gives: map[string]string{cookieAt: "ticket=1; Path=/"},
			leads: map[string]string{"/land?to=/page": "/page"}}
		site := testsite.Serve(t, here, desk)
		here.ask, desk.leads["/desk"] = site.URL(1, "/desk"), site.URL(0, "/land?to=/page")
		c := newCrawl(t, site, func(j *crawler.Job) { j.Cookies, j.IgnoreRobots = true, true }).seed("/page")
		c.finish()
		if rec := c.record("/land?to=/page"); rec.Outcome != crawler.OutcomeFetched ||
			rec.FinalURL != site.URL(0, "/page") {
			t.Errorf("a cookie %s: recorded as %+v", name, rec)
		}
		c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 1, crawler.OutcomeRedirected: 2})
		c.wantRequests(map[string]int{"/page": 2, "/desk": 1, "/land?to=/page": 1})
	}
}

// Another host redirects back to the first URL. That URL already has a record, so the page belongs
// to the record of the URL that redirected back.
func TestARedirectBackToItsFirstURLEndsAtThePage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cookie  string
		cookies bool
		want    string
		settled map[crawler.Outcome]int64
	}{
		"with a ticket": {
			"ticket=1; Path=/", true, "fetched", map[crawler.Outcome]int64{crawler.OutcomeFetched: 1,
				crawler.OutcomeRedirected: 1, crawler.OutcomeFollowed: 1},
		},
		"with a cookie that does not help": {"seen=1; Path=/", true, "failed redirects in a loop",
			map[crawler.Outcome]int64{crawler.OutcomeFailed: 1, crawler.OutcomeRedirected: 1,
				crawler.OutcomeFollowed: 1}},
		"without a cookie": {
			"", true, "failed redirects in a loop",
			map[crawler.Outcome]int64{crawler.OutcomeFailed: 1, crawler.OutcomeRedirected: 1},
		},
	} {
		desk := &ticketSite{leads: make(map[string]string)}
		here := &ticketSite{gives: map[string]string{"/page": c.cookie}}
		site := testsite.Serve(t, here, desk)
		here.ask, desk.leads["/desk"] = site.URL(1, "/desk"), site.URL(0, "/page")
		crawl := newCrawl(t, site, func(j *crawler.Job) { j.Cookies, j.IgnoreRobots = c.cookies, true }).seed("/page")
		crawl.finish()
		records := crawl.sink.records()
		for _, rec := range records {
			if rec.URL != site.URL(1, "/desk") {
				continue
			}
			if got := string(rec.Outcome) + " " + rec.Error; !strings.HasPrefix(got, c.want) ||
				rec.Referrer != site.URL(0, "/page") ||
				rec.Outcome == crawler.OutcomeFetched && rec.FinalURL != site.URL(0, "/page") {
				t.Errorf("%s: the URL that redirects back is recorded as %+v", name, rec)
			}
		}
		if n := crawl.counters().Recorded(); len(records) != 2 || n != 2 {
			t.Errorf("%s: got %d records and %d counted, want 2: %+v", name, len(records), n, records)
		}
		crawl.wantSettled(c.settled)
	}
}
