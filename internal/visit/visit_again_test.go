package visit_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// article is a page with a main text and a footer.
func article(subject, footer string) string {
	text := strings.Repeat("The "+subject+" is what a crawler has yet to decide, and in which order; it is worth a look. "+
		"Nobody who built one has said that it was easy, nor that the "+subject+" was the hardest part of it all. ", 6)
	return "<!doctype html><title>" + subject + "</title><nav>Home</nav><article><h1>" + subject +
		"</h1><p>" + text + "</p></article><footer>Generated on " + footer + "</footer>"
}

// changing is a site whose pages depend on how often the site was changed.
type changing struct{ version atomic.Int64 }

func (c *changing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	version := c.version.Load()
	switch r.URL.Path {
	case "/text":
		fmt.Fprint(w, article([]string{"frontier", "politeness", "archive"}[version], "Monday"))
	case "/footer":
		fmt.Fprint(w, article("frontier", fmt.Sprint("day ", version)))
	case "/picture":
		w.Header().Set("Content-Type", "image/png")
		fmt.Fprint(w, "\x89PNG\r\n\x1a\n", version)
	case "/gone":
		if version == 1 {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, article("ledger", "Monday"))
	case "/follows":
		http.Redirect(w, r, "/target", http.StatusFound)
	case "/target":
		fmt.Fprint(w, article([]string{"segment", "outbox", "scheduler"}[version], "Monday"))
	case "/moves":
		to := "/text"
		if version > 0 {
			to = "/footer"
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
	case "/fails":
		if version > 0 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, article("gate", "Monday"))
	default:
		http.NotFound(w, r)
	}
}

func TestAPageThatIsFetchedAgainSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	site := new(changing)
	c := newCrawl(t, testsite.Serve(t, site), func(j *crawler.Job) {
		j.Recrawl = crawler.Recrawl{Budget: crawler.FetchRate{Fetches: 1e6, Per: 24 * time.Hour}, Min: time.Second}
	}).seed("/text", "/footer", "/picture", "/gone", "/follows", "/moves", "/fails", "/missing")
	c.finish()
	for version, want := range []map[string]crawler.PageChange{
		{"/text": "new", "/footer": "new", "/picture": "new", "/gone": "new", "/follows": "new", "/moves": "new",
			"/fails": "new", "/missing": "gone"},
		{"/text": "changed", "/footer": "unchanged", "/picture": "changed", "/gone": "gone", "/follows": "changed",
			"/moves": "moved", "/fails": "", "/missing": "unchanged"},
		{"/text": "changed", "/footer": "unchanged", "/picture": "changed", "/gone": "back", "/follows": "changed",
			"/moves": "unchanged", "/fails": "", "/missing": "unchanged"},
	} {
		if version > 0 {
			site.version.Store(int64(version))
			c.untilBack(len(want))
			c.finish()
		}
		got := make(map[string]crawler.PageChange)
		for _, rec := range c.sink.records() {
			if path := strings.TrimPrefix(rec.URL, c.site.URL(0, "")); rec.Fetch == version+1 || version == 0 {
				got[path] = rec.Change
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fetch %d (-want +got):\n%s", version+1, diff)
		}
	}
	n := c.counters()
	if n.Tracked != 8 || n.Again != 16 || n.Changed != 9 || n.Unchanged != 3 || n.Recorded() != 8 {
		t.Errorf("%d pages are tracked, %d fetched again, %d changed, %d unchanged, %d recorded", n.Tracked, n.Again,
			n.Changed, n.Unchanged, n.Recorded())
	}
	if seen := n.Seen; seen != 9 {
		t.Errorf("%d URLs were seen, want 9", seen)
	}
}

// A page that was asked for belongs to the job, although it leads where robots.txt forbids. A page
// that robots.txt forbids does not.
func TestAPageThatLeadsToAForbiddenOneIsFetchedAgain(t *testing.T) {
	t.Parallel()
	var moved atomic.Bool
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/robots.txt":
			fmt.Fprint(w, "User-agent: *\nDisallow: /private")
		case r.URL.Path == "/leads" && !moved.Load():
			http.Redirect(w, r, "/private/page", http.StatusFound)
		default:
			fmt.Fprint(w, article("gate", "Monday"))
		}
	})
	c := newCrawl(t, testsite.Serve(t, site), func(j *crawler.Job) {
		j.Recrawl = crawler.Recrawl{Budget: crawler.FetchRate{Fetches: 1e6, Per: 24 * time.Hour}, Min: time.Second}
	}).seed("/leads", "/private/other")
	c.finish()
	if n := c.counters(); n.Tracked != 1 || n.Outcomes[crawler.OutcomeDisallowed] != 2 {
		t.Fatalf("%d pages are tracked, and %v, want 1, and 2 disallowed", n.Tracked, n.Outcomes)
	}
	moved.Store(true)
	c.untilBack(1)
	c.finish()
	records := c.sink.records()
	if last := records[len(records)-1]; last.Outcome != crawler.OutcomeFetched || last.Change != crawler.ChangeNew {
		t.Errorf("when it leads elsewhere, it is %s and %q, want fetched and new", last.Outcome, last.Change)
	}
}

// As long as robots.txt is unavailable, no one knows what it forbids, so the page is tried again later.
func TestAPageWhoseRobotsTxtCannotBeHadIsFetchedAgain(t *testing.T) {
	t.Parallel()
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	})
	c := newCrawl(t, testsite.Serve(t, site), func(j *crawler.Job) {
		j.RobotsTries = 1
		j.Recrawl = crawler.Recrawl{Budget: crawler.FetchRate{Fetches: 1e6, Per: 24 * time.Hour}, Min: time.Second}
	}).seed("/page")
	c.finish()
	if n := c.counters(); n.Tracked != 1 || n.Outcomes[crawler.OutcomeDisallowed] != 1 {
		t.Errorf("%d pages are tracked, and %v, want 1, and 1 disallowed", n.Tracked, n.Outcomes)
	}
}

// untilBack queues pages that are due again until this number of them waits.
func (c *crawl) untilBack(pages int) {
	c.t.Helper()
	poll := time.NewTicker(10 * time.Millisecond) // no signal tells that a page is due
	defer poll.Stop()
	for {
		n := c.counters()
		if n.Back >= int64(pages) {
			return
		}
		_, err := c.frontier.Again(c.t.Context(), n)
		check(c.t, err)
		select {
		case <-poll.C:
		case <-c.t.Context().Done():
			c.t.Fatal(c.t.Context().Err())
		}
	}
}
