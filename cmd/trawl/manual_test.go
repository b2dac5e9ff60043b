package main_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// manual is a manual from a Debian package. Unlike the generated sites, it is a real website.
type manual struct {
	pkg  string // the Debian package
	glob string // matches its folder
	dir  string
	read func() (*testsite.Truth, error) // the reachable pages, computed once
}

func newManual(pkg, glob string) *manual {
	c := &manual{pkg: pkg, glob: glob}
	c.read = sync.OnceValues(func() (*testsite.Truth, error) { return testsite.Reachable(os.DirFS(c.dir), "/") })
	if found, _ := filepath.Glob(glob); len(found) > 0 {
		c.dir = found[len(found)-1]
	}
	return c
}

var (
	pythonManual   = newManual("python3-doc", "/usr/share/doc/python3*-doc/html")
	postgresManual = newManual("postgresql-doc-15", "/usr/share/doc/postgresql-doc-15/html")
	javaManual     = newManual("openjdk-17-doc", "/usr/share/doc/openjdk-17-doc/api")
)

// truth returns the reachable pages, or skips the test if the manual is not installed.
func (c *manual) truth(t *testing.T) *testsite.Truth {
	t.Helper()
	if c.dir == "" {
		t.Skipf("no manual in %s: install %s", c.glob, c.pkg)
	}
	truth, err := c.read()
	if err != nil {
		t.Fatal(err)
	}
	return truth
}

func (c *manual) files() fs.FS { return os.DirFS(c.dir) }

// crawlAndCompare crawls the manual at full speed and compares the reachable pages with the
// results and with the requests to the site.
func (c *manual) crawlAndCompare(t *testing.T, s *shell, args ...string) {
	t.Helper()
	truth := c.truth(t)
	site := testsite.Serve(t, testsite.Static(c.files()))
	s.atLength()
	args = append([]string{"crawl", site.URL(0, "/"), "--delay", "0", "--per-host", "16", "--out", "site"}, args...)
	end := s.run(args...).exits(done, "is done: nothing is left to fetch")
	compareRecords(t, site, truth, pages(t, s.path("site")))
	logTimes(t, site, end, len(truth.Pages))
}

// compareRecords compares the records of a crawl with the pages of a site.
func compareRecords(t *testing.T, site *testsite.Site, truth *testsite.Truth, records []record) {
	t.Helper()
	all := make(counts)
	for _, r := range records {
		all[r.URL]++
	}
	if twice := all.duplicates(); len(twice) > 0 {
		t.Errorf("%d URLs have more than one record: %s", len(twice), firstFew(twice))
	}
	fetched(records).expectOnce(t, "pages", urlsAt(site, truth.Pages))
	outcome(records, "gone").expectOnce(t, "broken links", urlsAt(site, truth.Broken))
	requestCounts(site).expectOnce(t, "requests", urlsAt(site, truth.Pages, truth.Broken, truth.Redirects))
}

// urlsAt turns paths into URLs of a site.
func urlsAt(site *testsite.Site, paths ...map[string]bool) map[string]bool {
	urls := make(map[string]bool)
	for _, some := range paths {
		for path := range maps.Keys(some) {
			urls[site.URL(0, path)] = true
		}
	}
	return urls
}

// logTimes logs how long a command took and how many pages it fetched a second.
func logTimes(t *testing.T, site *testsite.Site, end commandResult, pages int) {
	requests := site.Requests()
	if len(requests) == 0 {
		t.Logf("%v, no request", end.took.Round(time.Millisecond))
		return
	}
	var last time.Time
	for _, r := range requests {
		if r.End.After(last) {
			last = r.End
		}
	}
	first := requests[0].Start
	t.Logf("%d pages in %v, %.0f a second; %v from start to the first request, %v from the last answer to the exit",
		pages, end.took.Round(time.Millisecond), float64(pages)/last.Sub(first).Seconds(),
		first.Sub(end.at.Add(-end.took)).Round(time.Millisecond), end.at.Sub(last).Round(time.Millisecond))
}

func TestEveryPageOfTheManualIsFetchedOnceOverAPrivateRedis(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	s := newShell(t)
	s.withRedis()
	pythonManual.crawlAndCompare(t, s)
}

func TestEveryPageOfTheManualIsFetchedOnceOverARealRedis(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	pythonManual.crawlAndCompare(t, newShell(t), "--redis", redistest.New(t), "--job", redistest.Name(t))
}

func TestEveryPageOfTheManualIsFetchedOnceOverTheBuiltInRedis(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	s := newShell(t)
	s.withoutRedis()
	pythonManual.crawlAndCompare(t, s)
}

func TestEveryPageOfALargerManualIsFetchedOnce(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	s := newShell(t)
	s.withRedis()
	postgresManual.crawlAndCompare(t, s)
}

func TestTenThousandPagesAreFetchedOnceOverAPrivateRedis(t *testing.T) {
	t.Parallel()
	skipUnlessSlow(t)
	s := newShell(t)
	s.withRedis()
	javaManual.crawlAndCompare(t, s)
}

func TestTenThousandPagesAreFetchedOnceOverARealRedis(t *testing.T) {
	t.Parallel()
	skipUnlessSlow(t)
	javaManual.crawlAndCompare(t, newShell(t), "--redis", redistest.New(t), "--job", redistest.Name(t))
}

// skipUnlessSlow skips a test that takes minutes, unless TRAWL_SLOW is set.
func skipUnlessSlow(t *testing.T) {
	t.Helper()
	if !slowTests() {
		t.Skip("the test takes minutes: run make slow")
	}
}
