package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// A crawl with a budget continues until it is interrupted, also after it was killed. Its output has
// a record of each fetch.
func TestACrawlFetchesItsPagesAgain(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, htmlServer{"/": `<title>Home</title><a href="/a">a</a>`, "/a": "<p>fine</p>"})
	s := newShell(t)
	args := []string{"crawl", site.URL(0, "/"), "--recrawl", "1000000/day,min=1s", "--delay", "0", "--out", "again"}
	p := s.start(args...)
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/a") >= 3 && l.Count("/") >= 3 })
	p.kill()
	p = s.start(args...)
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/a") >= 5 && l.Count("/") >= 5 })
	p.signal(os.Interrupt)
	p.waitSoon().exits(interrupted)

	newest := s.run("export", "again").exits(done)
	if n := len(parseRecords(t, "the export", newest.stdout)); n != 2 {
		t.Errorf("there are %d pages, want 2", n)
	}
	all := parseRecords(t, "the export of all", s.run("export", "again", "--all").exits(done).stdout)
	fetches := make(map[string]map[int]bool)
	for _, rec := range all {
		path := strings.TrimPrefix(rec.URL, site.URL(0, ""))
		if fetches[path] == nil {
			fetches[path] = make(map[int]bool)
		}
		fetches[path][max(1, rec.Fetch)] = true
		if want := map[bool]string{true: "new", false: "unchanged"}[rec.Fetch == 0]; rec.Change != want {
			t.Errorf("fetch %d of %s found it %s, want %s", rec.Fetch, path, rec.Change, want)
		}
	}
	for _, path := range []string{"/", "/a"} {
		for fetch := 1; fetch <= 4; fetch++ {
			if !fetches[path][fetch] {
				t.Errorf("fetch %d of %s has no record", fetch, path)
			}
		}
	}
}

func TestABadBudgetIsRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for value, want := range map[string]string{
		"0/day":               `"0/day" is a budget of no fetches`,
		"5000":                `"5000" is not a budget`,
		"5/day,min=2d,max=1d": `recrawl.min: "48h0m0s" is longer than max, "24h0m0s"`,
	} {
		s.run("crawl", "http://127.0.0.1:1/", "--recrawl", value).exits(usage, want)
	}
}
