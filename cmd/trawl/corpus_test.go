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

// corpus is a manual that Debian packages: a site that nobody made for tests.
type corpus struct {
	pkg  string // the package that it is in
	glob string // of its folder
	dir  string
	read func() (*testsite.Truth, error) // what is reachable, found out once
}

func newCorpus(pkg, glob string) *corpus {
	c := &corpus{pkg: pkg, glob: glob}
	c.read = sync.OnceValues(func() (*testsite.Truth, error) { return testsite.Reachable(os.DirFS(c.dir), "/") })
	if found, _ := filepath.Glob(glob); len(found) > 0 {
		c.dir = found[len(found)-1]
	}
	return c
}

var (
	pythonManual   = newCorpus("python3-doc", "/usr/share/doc/python3*-doc/html")
	postgresManual = newCorpus("postgresql-doc-15", "/usr/share/doc/postgresql-doc-15/html")
	javaManual     = newCorpus("openjdk-17-doc", "/usr/share/doc/openjdk-17-doc/api")
)

// truth returns what is reachable, or skips the test where the manual is not
// installed.
func (c *corpus) truth(t *testing.T) *testsite.Truth {
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

func (c *corpus) files() fs.FS { return os.DirFS(c.dir) }

// crawledWhole crawls the manual at full speed and compares the results with
// the truth, and the truth with what the site was asked for.
func (c *corpus) crawledWhole(t *testing.T, s *shell, args ...string) {
	t.Helper()
	truth := c.truth(t)
	site := testsite.Serve(t, testsite.Static(c.files()))
	args = append([]string{"crawl", site.URL(0, "/"), "--delay", "0", "--per-host", "16", "--out", "site"}, args...)
	end := s.run(args...).exits(done, "is done: nothing is left to fetch")
	compare(t, site, truth, pages(t, s.path("site")))
	logTimes(t, site, end, len(truth.Pages))
}

// compare compares the records of a crawl with what there is at a site.
func compare(t *testing.T, site *testsite.Site, truth *testsite.Truth, records []record) {
	t.Helper()
	all := make(count)
	for _, r := range records {
		all[r.URL]++
	}
	if twice := all.twice(); len(twice) > 0 {
		t.Errorf("%d URLs have more than one record: %s", len(twice), some(twice))
	}
	fetched(records).expectOnce(t, "pages", at(site, truth.Pages))
	outcome(records, "gone").expectOnce(t, "broken links", at(site, truth.Broken))
	asked(site).expectOnce(t, "requests", at(site, truth.Pages, truth.Broken, truth.Redirects))
}

// at makes URLs at a site of paths.
func at(site *testsite.Site, paths ...map[string]bool) map[string]bool {
	urls := make(map[string]bool)
	for _, some := range paths {
		for path := range maps.Keys(some) {
			urls[site.URL(0, path)] = true
		}
	}
	return urls
}

// logTimes logs how fast a command was.
func logTimes(t *testing.T, site *testsite.Site, end ended, pages int) {
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
	long(t)
	s := newShell(t)
	s.withRedis()
	pythonManual.crawledWhole(t, s)
}

func TestEveryPageOfTheManualIsFetchedOnceOverARealRedis(t *testing.T) {
	t.Parallel()
	long(t)
	pythonManual.crawledWhole(t, newShell(t), "--redis", redistest.New(t), "--job", redistest.Name(t))
}

func TestEveryPageOfTheManualIsFetchedOnceOverTheBuiltInRedis(t *testing.T) {
	t.Parallel()
	long(t)
	s := newShell(t)
	s.withoutRedis()
	pythonManual.crawledWhole(t, s)
}

func TestEveryPageOfALargerManualIsFetchedOnce(t *testing.T) {
	t.Parallel()
	long(t)
	s := newShell(t)
	s.withRedis()
	postgresManual.crawledWhole(t, s)
}

func TestEveryPageOfTenThousandIsFetchedOnceOverAPrivateRedis(t *testing.T) {
	t.Parallel()
	huge(t)
	s := newShell(t)
	s.withRedis()
	javaManual.crawledWhole(t, s)
}

func TestEveryPageOfTenThousandIsFetchedOnceOverARealRedis(t *testing.T) {
	t.Parallel()
	huge(t)
	javaManual.crawledWhole(t, newShell(t), "--redis", redistest.New(t), "--job", redistest.Name(t))
}

// huge skips a test that takes minutes.
func huge(t *testing.T) {
	t.Helper()
	if !slow() {
		t.Skip("it takes minutes: run make slow")
	}
}
