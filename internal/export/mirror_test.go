package export_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
)

// site writes a crawl with bodies, given the paths of its files.
func site(t testing.TB, records string, files map[string]string) *export.Crawl {
	dir := t.TempDir()
	write(t, dir, "manifest-00001.jsonl", records)
	for name, text := range files {
		write(t, dir, name, text)
	}
	return open(t, dir)
}

func TestLinksInAMirrorLeadToItsFiles(t *testing.T) {
	t.Parallel()
	const html, css = `"content_type":"text/html; charset=utf-8","charset":"utf-8"`, `"content_type":"text/css"`
	c := site(t,
		page("http://x/", "01T00:00:01.000", html+`,"path":"x/index.html"`)+
			page("http://x/a/list?page=2", "01T00:00:02.000", html+`,"path":"x/a/list@page=2"`)+
			page("http://x/moved", "01T00:00:03.000",
				html+`,"final_url":"http://x/to/","redirects":["http://x/via","http://x/to/"],"path":"x/to/index.html"`)+
			page("http://x/out", "01T00:00:03.000",
				`"outcome":"redirected","status":301,"final_url":"http://y/","redirects":["http://y/"]`)+
			page("http://y/", "01T00:00:03.000", html+`,"path":"y/index.html"`)+
			page("http://x/css.php", "01T00:00:03.000", css+`,"path":"x/css.php"`)+
			page("http://x/gone", "01T00:00:03.000", `"outcome":"gone","status":404`)+
			page("http://x/i", "01T00:00:03.000", `"content_type":"image/png","path":"x/i"`)+
			page("http://x/A.txt", "01T00:00:03.000", `"content_type":"text/plain","path":"x/A.txt"`),
		map[string]string{
			"x/index.html":    `<link rel=stylesheet href=css.php><a href="a/list?page=2#x">1</a><a href=/moved>2</a><a href=/via>3</a><a href=/out>4</a><a href=gone>5</a><img src=i>`,
			"x/a/list@page=2": `<a href="/">1</a><a href="list?page=2">2</a><a href="../A.txt">3</a>`,
			"x/to/index.html": `<a href="..">1</a>`,
			"y/index.html":    `<a href="http://x/">1</a><a href="http://x/to/">2</a>`,
			"x/css.php":       `a{b:url(i)}`,
			"x/i":             "\x89PNG",
			"x/A.txt":         `<a href="/">`,
		})
	to := filepath.Join(t.TempDir(), "site")
	mustExport(t, c, order(t, "mirror", to))
	for name, want := range map[string]string{
		"x/index.html": `<link rel=stylesheet href="css.php.css"><a href="a/list@page=2.html#x">1</a><a href="to/index.html">2</a>` +
			`<a href="to/index.html">3</a><a href="../y/index.html">4</a><a href="http://x/gone">5</a><img src="i.png">`,
		"x/a/list@page=2.html": `<a href="../index.html">1</a><a href="list@page=2.html">2</a><a href="../A.txt">3</a>`,
		"x/to/index.html":      `<a href="../index.html">1</a>`,
		"y/index.html":         `<a href="../x/index.html">1</a><a href="../x/to/index.html">2</a>`,
		"x/css.php.css":        `a{b:url(i.png)}`,
		"x/i.png":              "\x89PNG",
		"x/A.txt":              `<a href="/">`,
	} {
		if got := read(t, filepath.Join(to, name)); got != want {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestAMirrorHasNoFileFromOutsideTheOutput(t *testing.T) {
	t.Parallel()
	c := site(t, page("http://x/", "01T00:00:01.000", `"content_type":"text/html","path":"../../etc/passwd"`), nil)
	wantRefused(t, c, order(t, "mirror", filepath.Join(t.TempDir(), "m")), `"../../etc/passwd"`, "is not in")
}

// TestABrowserReadsAMirrorFromDisk opens each page of a mirrored site in Chromium. It checks that
// the style sheet and the image are shown, and that no network request is made.
func TestABrowserReadsAMirrorFromDisk(t *testing.T) {
	t.Parallel()
	browser := testbrowser.New(t)
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="17" height="9"></svg>`
	c := site(t,
		page("http://x.invalid/", "01T00:00:01.000",
			`"content_type":"text/html; charset=latin1","charset":"windows-1252","path":"x/index.html"`)+
			page("http://x.invalid/q?a=%22b%22&c=d%23e", "01T00:00:02.000",
				`"content_type":"text/html","charset":"utf-8","path":"x/q"`)+
			page("http://cdn.invalid/s.php?v=1", "01T00:00:03.000", `"content_type":"text/css","path":"cdn/s"`)+
			page("http://cdn.invalid/pic", "01T00:00:03.000", `"content_type":"image/svg+xml","path":"cdn/p"`),
		map[string]string{
			"x/index.html": `<!DOCTYPE html><head><base href="http://x.invalid/"><meta http-equiv=Content-Security-Policy content="default-src 'self'">` +
				`<link rel=preconnect href="//cdn.invalid/"><link rel=stylesheet crossorigin integrity="sha256-AAAA" href="//cdn.invalid/s.php?v=1"><body>` +
				"\xfcber <a id=next href='q?a=%22b%22&amp;c=d%23e#part'>next</a><img id=pic srcset='http://cdn.invalid/pic 1x'>",
			"x/q":   `<!DOCTYPE html><title>second</title><p id=part>part</p><a href="/">back</a>`,
			"cdn/s": `body { color: rgb(1, 2, 3); background: url("pic") }`,
			"cdn/p": svg,
		})
	to := filepath.Join(t.TempDir(), "site")
	mustExport(t, c, order(t, "mirror", to))
	browser.Open("file://"+filepath.Join(to, "x.invalid", "index.html"), "body")
	if got := testbrowser.Ask[string](browser, `getComputedStyle(document.body).color`); got != "rgb(1, 2, 3)" {
		t.Errorf("the text is %s: the style sheet is not used", got)
	}
	if got := testbrowser.Ask[int](browser, `document.getElementById("pic").naturalWidth`); got != 17 {
		t.Errorf("the picture has a width of %d", got)
	}
	if got := testbrowser.Ask[string](browser, `document.body.textContent.trim()`); got != "über next" {
		t.Errorf("the text is %q", got)
	}
	browser.Follow("#next", "#part")
	if got := testbrowser.Ask[string](browser, `document.title + location.hash`); got != "second#part" {
		t.Errorf("the link leads to %q", got)
	}
	for _, url := range browser.Asked() {
		if !strings.HasPrefix(url, "file://"+to+"/") {
			t.Errorf("the browser requests %s", url)
		}
	}
	if n := len(browser.Asked()); n < 4 {
		t.Errorf("the browser requests %d files", n)
	}
}
