package testsite_test

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func page(html string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(html)} }

func expect(t *testing.T, what string, got map[string]bool, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(got)); !slices.Equal(got, want) {
		t.Errorf("%s are\n%q, want\n%q", what, got, want)
	}
}

func TestEveryKindOfLinkIsFollowed(t *testing.T) {
	t.Parallel()
	truth, err := testsite.Reachable(fstest.MapFS{
		"index.html": page(`<link rel="stylesheet" href=style.css><link rel="Next prefetch" href=next.html>
			<meta http-equiv=Refresh content="5; URL='refresh.html'">
			<a href=" a.html#part ">a</a><map><area href=area.html></map><iframe src=iframe.html></iframe>
			<noscript><a href=noscript.html>n</a></noscript><script>"<a href=script.html>"</script>
			<!-- <a href=comment.html> --><img src=picture.png>`),
		"a.html": page(`<a href=a.html?x=1&amp;y=2>`), "area.html": page(``), "iframe.html": page(``),
		"next.html": page(`<frameset><frame src=frame.html></frameset>`), "frame.html": page(``),
		"refresh.html": page(``), "noscript.html": page(``), "script.html": page(``),
		"comment.html": page(``), "style.css": page(``), "picture.png": page(``),
	}, "/")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "pages", truth.Pages, "/", "/a.html", "/a.html?x=1&y=2", "/area.html", "/frame.html",
		"/iframe.html", "/next.html", "/noscript.html", "/refresh.html")
	expect(t, "broken links", truth.Broken)
}

func TestLinksAreResolvedAndStayWithinTheHost(t *testing.T) {
	t.Parallel()
	truth, err := testsite.Reachable(fstest.MapFS{
		"docs/index.html": page(`<base href="/docs/inner/"><base href="/other/">
			<a href=x.html><a href=../plain.txt><a href="/docs/a b(c).html"><a href="ü.html"><a href="/docs/inner">
			<a href=http://elsewhere.invalid/docs/inner/y.html><a href=//elsewhere.invalid/><a href=mailto:a@b.invalid>
			<a href=gone.html><a href="%zz"><a href="">`),
		"docs/inner/x.html":     page(`<a href="y.html">`),
		"docs/inner/y.html":     page(``),
		"docs/inner/ü.html":     page(``),
		"docs/inner/index.html": page(``),
		"docs/plain.txt":        page(`<a href=/docs/hidden.html>`),
		"docs/hidden.html":      page(``),
		"docs/a b(c).html":      page(``),
	}, "/docs/")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "pages", truth.Pages, "/docs/", "/docs/inner/", "/docs/inner/x.html", "/docs/inner/y.html",
		"/docs/plain.txt", "/docs/a%20b(c).html", "/docs/inner/%C3%BC.html")
	expect(t, "redirects", truth.Redirects, "/docs/inner")
	expect(t, "broken links", truth.Broken, "/docs/inner/gone.html")
	expect(t, "malformed references", truth.Malformed, "%zz")
}

func TestReachableAgreesWithTheServer(t *testing.T) {
	t.Parallel()
	folder := documentation(t, "/usr/share/doc/python3.11-doc/html/tutorial")
	truth, err := testsite.Reachable(folder, "/index.html")
	if err != nil {
		t.Fatal(err)
	}
	if len(truth.Pages) < 17 || len(truth.Broken) == 0 {
		t.Errorf("there are %d pages and %d broken links, want 17 chapters with links to missing pages",
			len(truth.Pages), len(truth.Broken))
	}
	s := testsite.Serve(t, testsite.Static(folder))
	for want, paths := range map[int]map[string]bool{200: truth.Pages, 301: truth.Redirects, 404: truth.Broken} {
		for path := range paths {
			if got := status(t, s.URL(0, path)); got != want {
				t.Errorf("%q responds with %d, want %d", path, got, want)
			}
		}
	}
}

// documentation returns a folder of the manuals that Debian packages, and skips the test if it is
// missing.
func documentation(t *testing.T, dir string) fs.FS {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no manual in %s: install python3-doc, openjdk-17-doc and postgresql-doc-15", dir)
	}
	return os.DirFS(dir)
}
