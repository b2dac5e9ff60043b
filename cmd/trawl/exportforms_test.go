package main_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

func TestAnExportedWARCIsValid(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	site := responseSite(t)
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "site", "--format", "jsonl,warc", "--retries", "0",
		"--body-limit", "100000", "--timeout", "4s", "--throttle", "0").exits(done)
	s.run("export", "site", "--to", "some/kinds-20261126120000000-00001-export.warc.gz").exits(failed,
		"some/kinds-2026", "no such file")
	for _, dir := range []string{"all", "some", "stream"} {
		if err := os.Mkdir(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	whole := warctest.Open(t, s.path("site"))

	s.run("export", "site", "--to", "all/kinds-20261126120000000-00001-export.warc.gz").exits(done)
	all := warctest.Open(t, s.path("all"))
	all.Check(t)
	warctest.Readers(t, "../..", all)
	warctest.Index(t, all)
	for _, kind := range []string{"response", "revisit", "request", "metadata"} {
		for _, r := range all.Of(kind) {
			was := whole.ByID(r.Get("WARC-Record-ID"))
			if was == nil || string(was.Block) != string(r.Block) || was.Get("WARC-Date") != r.Get("WARC-Date") {
				t.Errorf("%s has changed", r)
			}
		}
	}
	for _, path := range []string{"/", "/away", "/away/hop", "/away/end", "/missing"} {
		all.One(t, "response", site.URL(0, path))
	}

	// A revisit is exported with the response that it refers to.
	for _, path := range []string{"/same/1", "/same/2", "/same/3"} {
		s.run("export", "site", "--where", "url="+site.URL(0, path), "--to",
			"some/kinds-20261126120000000-00001-export.warc.gz", "--force").exits(done, "1 of ")
		some := warctest.Open(t, s.path("some"))
		some.Check(t)
		warctest.Index(t, some)
		if n := len(some.Of("response")); n != 1 {
			t.Errorf("the export of %s has %d responses", path, n)
		}
	}
	s.run("export", "site", "--to", "some/kinds-20261126120000000-00001-export.warc.gz").exits(usage,
		"it already exists", "--force")
	s.run("export", "site", "--as", "warc", "--to", "some/pages.warc").exits(failed, ".warc.gz")
	end := s.run("export", "site", "--as", "warc", "--where", "status=404").exits(done)
	if err := os.WriteFile(s.path("stream/pages.warc.gz"), []byte(end.stdout), 0o644); err != nil {
		t.Fatal(err)
	}
	if stream := warctest.Open(t, s.path("stream")); len(stream.Of("response")) != 1 {
		t.Errorf("on standard output there are %d responses", len(stream.Of("response")))
	}
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "alone", "--format", "warc", "--retries", "0",
		"--timeout", "4s", "--throttle", "0").exits(done)
	if end := s.run("export", "alone", "--where", "status=404 and url~missing", "--fields",
		"url,outcome").exits(done); end.stdout != `{"url":"`+site.URL(0, "/missing")+`","outcome":"gone"}`+"\n" {
		t.Errorf("the export of a crawl with WARC files only prints\n%s", end.stdout)
	}
}

// TestAMirrorOfTheManualIsReadFromDisk crawls the Python manual and follows links of its mirror
// in a browser.
func TestAMirrorOfTheManualIsReadFromDisk(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	truth := pythonManual.truth(t)
	site := testsite.Serve(t, testsite.Static(pythonManual.files()))
	s := newShell(t)
	s.atLength()
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--per-host", "16", "--out", "site", "--resources",
		"--resource-scope", "host", "--format", "mirror").
		exits(done, "the mirror is in site/mirror")
	root := s.path("site/mirror")
	hosts, err := filepath.Glob(root + "/1*")
	if err != nil || len(hosts) != 1 {
		t.Fatalf("the mirror contains %q (%v), want one host", hosts, err)
	}
	for path := range truth.Pages {
		name := strings.TrimPrefix(path, "/")
		if name == "" || strings.HasSuffix(name, "/") {
			name += "index.html"
		}
		if _, err := os.Stat(filepath.Join(hosts[0], name)); err != nil && !strings.Contains(name, "%") {
			t.Errorf("the page %s is not in the mirror: %v", path, err)
		}
	}
	browser := testbrowser.New(t)
	browser.Open((&url.URL{Scheme: "file", Path: filepath.Join(hosts[0], "index.html")}).String(), "body")
	for _, step := range []struct{ click, after, title string }{
		{`a[href="library/index.html"]`, `a[href^="functions.html"]`, "The Python Standard Library"},
		{`a[href^="functions.html"]`, `#built-in-functions`, "Built-in Functions"},
	} {
		browser.Follow(step.click, step.after)
		if got := testbrowser.Ask[string](browser, "document.title"); !strings.Contains(got, step.title) {
			t.Errorf("a click on %s leads to %q", step.click, got)
		}
		if broken := testbrowser.Ask[int](browser,
			`[...document.images].filter(i => !i.complete || i.naturalWidth == 0).length`); broken > 0 {
			t.Errorf("%s: %d images are not shown", step.title, broken)
		}
		if sheets := testbrowser.Ask[int](browser,
			`[...document.querySelectorAll("link[rel=stylesheet]")].filter(l => l.media != "print" && !l.sheet).length`); sheets > 0 {
			t.Errorf("%s: %d style sheets are not loaded", step.title, sheets)
		}
		if n := testbrowser.Ask[int](browser, `document.styleSheets.length`); n == 0 {
			t.Errorf("%s has no style sheet", step.title)
		}
	}
	for _, asked := range browser.Asked() {
		if !strings.HasPrefix(asked, "file://"+root+"/") && !strings.HasPrefix(asked, "data:") {
			t.Errorf("the browser requests %s", asked)
		}
	}
}

func TestARemovedMirrorIsRebuilt(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 20, LinksPerPage: 4}
	site, s := g.Serve(t), newShell(t)
	crawl := func() commandResult {
		return s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "site", "--format", "mirror").exits(done)
	}
	crawl()
	crawl() // the crawl is done and its mirror exists
	root := s.path("site/mirror")
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	s.run("export", "site", "--as", "mirror", "--to", "copy", "--where", "url~/page/").exits(done)
	if end := crawl(); !strings.Contains(end.stderr, "the mirror is in site/mirror") {
		t.Errorf("trawl says %s", end.stderr)
	}
	if hosts, _ := filepath.Glob(root + "/1*"); len(hosts) != 1 {
		t.Error("the mirror was not rebuilt")
	}
}

func TestDiffTellsWhatChangedBetweenTwoCrawls(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, dir := range []string{"crawls/news-20261101t060000", "crawls/news-20261102t060000"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	page := func(url, digest string) string {
		return `{"url":"` + url + `","final_url":"` + url +
			`","status":200,"outcome":"fetched","fetched_at":"2026-11-01T06:00:00.000Z","digest":"sha256:` + digest +
			`"}` + "\n"
	}
	s.write("crawls/news-20261101t060000/pages-00001.jsonl",
		page("http://x/a", "1")+page("http://x/b", "2")+page("http://x/c", "3")+page("http://x/d", "4"))
	s.write("crawls/news-20261102t060000/pages-00001.jsonl",
		page("http://x/a", "1")+page("http://x/b", "2b")+page("http://x/c2", "3")+page("http://x/e", "5"))
	end := s.run("diff", "news@previous", "news@latest", "--out", "crawls").exits(done,
		"1 new, 1 changed, 1 gone, 1 moved, 1 unchanged")
	want := "changed  http://x/b  content\nmoved    http://x/c  → http://x/c2\nnew      http://x/e\ngone     http://x/d  not met\n"
	if end.stdout != want {
		t.Errorf("trawl prints\n%swant\n%s", end.stdout, want)
	}
	end = s.run("diff", "crawls/news@20261101", "crawls/news-20261102t060000", "--json", "--exit-code", "--where",
		"url~b$").exits(4)
	if want := `{"change":"changed","url":"http://x/b","before":"200","after":"200","digest":"sha256:2b"}` +
		"\n"; end.stdout != want {
		t.Errorf("trawl prints\n%swant\n%s", end.stdout, want)
	}
	s.run("diff", "news@latest", "news@latest", "--out", "crawls", "--exit-code").exits(done, "0 new")
	s.run("diff", "news@latest", "news@1999", "--out", "crawls").exits(usage, "no run \"1999\"")
	s.run("diff", "news@latest").exits(usage)
	s.run("diff", "news@latest", "news@latest", "--out", "crawls", "--where", "status>x").exits(usage,
		"is not a number", "       ^")
}

func TestAnInvalidExportIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if err := os.Mkdir(s.path("site"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("site/pages-00001.jsonl", recordLine("http://x/1", "01.000", "a"))
	for _, c := range []struct {
		status int
		args   []string
		saying []string
	}{
		{usage, []string{"--where", "status>=4oo"},
			[]string{`where: "4oo" is not a number`, "status>=4oo", "        ^"}},
		{usage, []string{"--where", "time>=31.12.2026"},
			[]string{`"31.12.2026" is not a time: write 2026-11-01T06:00:00Z`}},
		{usage, []string{"--where", "outcome=ok"}, []string{`unknown outcome "ok": want one of fetched`}},
		{usage, []string{"--fields", "url,titel"}, []string{`fields: unknown field "titel": want one of url, host`}},
		{usage, []string{"--as", "xml"}, []string{`unknown form "xml": want one of jsonl, csv`}},
		{usage, []string{"--to", "pages.xml"}, []string{`"pages.xml" does not tell the form`}},
		{usage, []string{"--to", "pages.sqlite"}, []string{"no driver for SQLite", "make build-full", "drivers/sqlite",
			"--as csv | sqlite3"}},
		{usage, []string{"--as", "markdown", "--fields", "url"}, []string{"fields cannot be chosen for markdown"}},
		{failed, []string{"--as", "warc"}, []string{"holds no WARC files", "--format warc"}},
		{failed, []string{"--as", "mirror", "--to", "m"}, []string{"kept no bodies", "--format files or mirror"}},
		{failed, []string{"--as", "markdown"}, []string{"no matching page has a text"}},
		{failed, []string{"--fields", "fields.price", "--to", "a.csv"},
			[]string{`no record has the field "fields.price": there are none`}},
	} {
		s.run(append([]string{"export", "site"}, c.args...)...).exits(c.status, c.saying...)
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) != 1 {
		t.Errorf("refused exports leave %v beside the crawl (%v)", left, err)
	}
}
