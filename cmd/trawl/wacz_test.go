package main_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

// dot is a PNG of one pixel.
const dot = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"

// illustrated serves a page with a style sheet and an image, a second page, a copy of that under
// another URL, and a redirect to it. The image /gone.png of the third page is missing.
func illustrated(t *testing.T) *testsite.Site {
	t.Helper()
	second := "<title>Second</title><p id=second>" + strings.Repeat("the same text ", 200)
	answers := map[string][2]string{
		"/": {"text/html; charset=utf-8", `<title>Zürich</title><link rel=stylesheet href=/style.css>` +
			`<h1 id=first>First</h1><img src=/dot.png><a id=next href="/second">second</a> <a href=/moved>moved</a>` +
			`<a href=/copy/>copy</a> <a href=/third>third</a>`},
		"/second":    {"text/html", second},
		"/copy/":     {"text/html", second},
		"/third":     {"text/html", `<title>Third</title><img src=/gone.png>`},
		"/style.css": {"text/css", `h1 { color: rgb(1, 2, 3); background: url(dot.png) }`},
		"/dot.png":   {"image/png", dot},
	}
	return testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/second", http.StatusFound)
			return
		}
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", answer[0])
		_, _ = io.WriteString(w, answer[1])
	}))
}

// unpacked writes the WARC file of a WACZ file and its index into a folder, with the standard
// library only, and returns the other files by their names.
func unpacked(t *testing.T, path string) (dir string, files map[string][]byte) {
	t.Helper()
	r, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir, files = t.TempDir(), make(map[string][]byte)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		files[f.Name] = text
		if (strings.HasPrefix(f.Name, "archive/") || strings.HasSuffix(f.Name, ".gz")) && f.Method != zip.Store {
			t.Errorf("%s is compressed again", f.Name)
		}
	}
	lines, err := gzip.NewReader(bytes.NewReader(files["indexes/index.cdx.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	index, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		warc, ok := strings.CutPrefix(name, "archive/")
		if !ok {
			continue
		}
		cdxj := strings.TrimSuffix(warc, ".warc.gz") + ".cdxj"
		if err := errors.Join(os.WriteFile(filepath.Join(dir, warc), text, 0o644),
			os.WriteFile(filepath.Join(dir, cdxj), index, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

func TestACrawlIsPackedIntoAFileThatReadersUnderstand(t *testing.T) {
	t.Parallel()
	site, s := illustrated(t), newShell(t)
	crawl := func() commandResult {
		return s.run("crawl", site.URL(0, "/"), "--job", "news", "--delay", "0", "--per-host", "1", "--out", "site",
			"--format", "wacz", "--resources").exits(done)
	}
	if end := crawl(); !strings.Contains(end.stderr, "the WACZ file is in site/news.wacz") {
		t.Errorf("trawl says %s", end.stderr)
	}
	dir, files := unpacked(t, s.path("site/news.wacz"))
	a := warctest.Open(t, dir)
	a.Check(t)
	warctest.Index(t, a)
	warctest.Readers(t, "../..", a)
	for _, path := range []string{"/", "/style.css", "/dot.png", "/moved", "/third"} {
		a.One(t, "response", site.URL(0, path))
	}
	titles := make(map[string]string)
	for line := range strings.Lines(string(files["pages/pages.jsonl"])) {
		var p struct{ URL, Title string }
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		titles[strings.TrimPrefix(p.URL, site.URL(0, ""))] = p.Title
	}
	if titles["/"] != "Zürich" || titles["/third"] != "Third" || titles["/dot.png"] != "" || titles["/gone.png"] != "" ||
		titles["/second"] != "Second" && titles["/copy/"] != "Second" {
		t.Errorf("the pages are %v", titles)
	}

	// A file that was removed is made again; one that was there is left alone.
	crawl()
	if err := os.Remove(s.path("site/news.wacz")); err != nil {
		t.Fatal(err)
	}
	crawl()
	if again, _ := unpacked(t, s.path("site/news.wacz")); len(warctest.Open(t, again).Records) != len(a.Records) {
		t.Error("the file that was made again has other records")
	}

	// Exports choose pages, keys and a signature.
	s.run("export", "site", "--to", "some.wacz", "--where", "url~/copy/|/third", "--keys", "warcio").exits(done,
		"some.wacz")
	dir, files = unpacked(t, s.path("some.wacz"))
	some := warctest.Open(t, dir)
	some.Check(t)
	warctest.Index(t, some)
	if text := string(files["indexes/index.idx"]); !strings.Contains(text, ")/copy/ ") {
		t.Errorf("the keys are not those of warcio: %s", text)
	}
	s.run("export", "site", "--to", "some.wacz").exits(usage, "already exists")
	s.run("export", "site", "--as", "wacz", "--to", "some.zip").exits(usage, "must end in .wacz")
	s.run("export", "site", "--to", "a.jsonl", "--keys", "warcio").exits(usage, "for warc and wacz")
	s.run("export", "site", "--to", "a.wacz", "--keys", "ia").exits(usage, `"ia"`, "pywb")
	s.run("export", "site", "--to", "a.wacz", "--sign-with", "some.wacz").exits(usage, "no private key in PEM")
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "lines").exits(done)
	s.run("export", "lines", "--to", "a.wacz").exits(failed, "holds no WARC files", "--format warc or wacz")
}

func TestAReplayShowsWhatWasArchived(t *testing.T) {
	t.Parallel()
	site, s := illustrated(t), newShell(t)
	s.run("crawl", site.URL(0, "/"), "--job", "news", "--delay", "0", "--per-host", "1", "--out", "site",
		"--format", "jsonl,wacz", "--resources").exits(done)
	s.run("replay", "site", "--listen", "0.0.0.0:0").exits(usage, `"0.0.0.0:0"`, "loopback")
	s.run("replay", "nothing").exits(usage, `"nothing"`)
	for _, where := range []string{"site", "site/news.wacz"} {
		replay := s.start("replay", where, "--listen", "127.0.0.1:0")
		at := "http://" + replay.waitForAddress("are at http://")
		browser := testbrowser.New(t)
		browser.Open(at, "#pages")
		links := browser.Links()
		home := slices.IndexFunc(links, func(link string) bool { return strings.HasSuffix(link, site.URL(0, "/")) })
		if home < 0 || !slices.ContainsFunc(links, func(link string) bool { return strings.HasSuffix(link, "/copy/") }) {
			t.Fatalf("%s: the list has the links %q", where, links)
		}
		browser.Open(links[home], "#first")
		const colour = `getComputedStyle(document.querySelector("h1")).color`
		if is := testbrowser.Ask[string](browser, colour); is != "rgb(1, 2, 3)" {
			t.Errorf("%s: the style sheet is not applied: the heading is %s", where, is)
		}
		if width := testbrowser.Ask[int](browser, `document.images[0].naturalWidth`); width != 1 {
			t.Errorf("%s: the image is not shown", where)
		}
		if title := testbrowser.Ask[string](browser, `document.title`); title != "Zürich" {
			t.Errorf("%s: the title is %q", where, title)
		}
		browser.Follow("#next", "#second")
		for _, path := range []string{"/copy/", "/moved", "/second"} { // a revisit, a redirect, its target
			browser.Open(at+"/web/2026/"+site.URL(0, path), "#second")
		}
		browser.Open(at+"/web/2026/http://elsewhere.example/", "#problem")
		browser.Calm(at)
		replay.signal(syscall.SIGTERM)
		replay.waitSoon().exits(done)
	}
	end := s.run("verify", "site/news.wacz").exits(failed, "")
	for _, want := range []string{"/third", "lacks " + site.URL(0, "/gone.png") + ": status 404",
		"complete: 3 of 4 pages checked (75.0%)"} {
		if !strings.Contains(end.stdout, want) {
			t.Errorf("verify prints\n%swant %q", end.stdout, want)
		}
	}
	var report struct{ Pages, Sampled, Whole int }
	end = s.run("verify", "site", "--min", "0.5", "--json").exits(done)
	if err := json.Unmarshal([]byte(end.stdout), &report); err != nil || report.Sampled < 3 ||
		report.Whole != report.Sampled-1 {
		t.Errorf("verify prints %s (%v)", end.stdout, err)
	}
	s.run("verify", "site", "--min", "2").exits(usage, "min")
	s.run("verify", "site", "--sample", "-1").exits(usage, "sample")
}
