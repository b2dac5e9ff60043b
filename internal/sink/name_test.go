package sink

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAFileIsNamedAfterItsURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, kind, want string }{
		{"http://example.com/pub/a.tar.gz", "", "example.com/pub/a.tar.gz"},
		{"http://example.com", "text/html; charset=utf-8", "example.com/index.html"},
		{"http://example.com/a/", "application/xhtml+xml", "example.com/a/index.html"},
		{"http://example.com/a/", "application/json", "example.com/a/index"},
		{"http://example.com/a/?q=1", "text/html", "example.com/a/index.html@q=1"},
		{"http://example.com:8080/a", "", "example.com%3A8080/a"},
		{"http://[::1]/a", "", "[%3A%3A1]/a"},
		{"http://example.com/page?q=1&r=a/b", "", "example.com/page@q=1&r=a%2Fb"},
		{"http://example.com/page?q=1%262", "", "example.com/page@q=1%262"},
		{"http://example.com/page?", "", "example.com/page@"},
		{"http://example.com/caf%C3%A9/%e2%82%ac", "", "example.com/café/€"},
		{"http://example.com/a%20b", "", "example.com/a b"},
		{"http://example.com/100%25", "", "example.com/100%25"},
		{"http://example.com/100%", "", "example.com/100%25"},
		{"http://example.com/%zz", "", "example.com/%25zz"},
		{"http://example.com/a//b", "", "example.com/a/%/b"},
		{"http://example.com/..%2f..%2fetc/passwd", "", "example.com/%2E.%2F..%2Fetc/passwd"},
		{`http://example.com/..%5c..%5cwindows`, "", "example.com/%2E.%5C..%5Cwindows"},
		{"http://example.com/a/../../../b", "", "example.com/b"},
		{"http://example.com/%2e%2e/%2e/b", "", "example.com/b"},
		{"http://example.com/.git/config", "", "example.com/%2Egit/config"},
		{"http://example.com/-rf", "", "example.com/%2Drf"},
		{"http://example.com/a.", "", "example.com/a%2E"},
		{"http://example.com/a%20", "", "example.com/a%20"},
		{"http://example.com/%20", "", "example.com/%20"},
		{"http://example.com/...", "", "example.com/%2E.%2E"},
		{"http://example.com/a%00b%0ac%7f", "", "example.com/a%00b%0Ac%7F"},
		{"http://example.com/%E2%80%AEgpj.exe", "", "example.com/%E2%80%AEgpj.exe"},
		{"http://example.com/%D7%A9%D7%9C%D7%95%D7%9D", "", "example.com/שלום"},
		{"http://example.com/%ff%fe", "", "example.com/%FF%FE"},
		{"http://example.com/CON/aux.txt/nul", "", "example.com/%43ON/%61ux.txt/%6Eul"},
		{"http://example.com/com1.tar.gz", "", "example.com/%63om1.tar.gz"},
		{"http://example.com/console", "", "example.com/console"},
		{"http://example.com/Lpt%C2%B9/com10/com", "", "example.com/%4Cpt¹/com10/com"},
		{"http://example.com/CONIN$/conout$.x/conin", "", "example.com/%43ONIN$/%63onout$.x/conin"},
		{"http://example.com/prn%20%20.txt/lpt%C2%B2%C2%B3/lptx", "", "example.com/%70rn  .txt/lpt²³/lptx"},
		{"http://example.com/a%2", "", "example.com/a%252"},
		{"http://example.com/a%252%41%", "", "example.com/a%252A%25"},
		{"http://example.com/c:d*e%3Ff|g", "", "example.com/c%3Ad%2Ae%3Ff%7Cg"},
		{"http://manifest.jsonl/a", "", "manifest%2Ejsonl/a"},
		{"http://example.com/" + strings.Repeat("x", 300) + ".html", "",
			"example.com/" + strings.Repeat("x", 98) + "~a3930718b32da723.html"},
		{"http://example.com/1/2/3/4/5/6/7/8/9", "", "example.com/1/2/3/4/5/6/7/8/9"},
		{"http://example.com/1/2/3/4/5/6/7/8/9/10/11.gz", "",
			"example.com/1/2/3/4/5/6/7/8/9%2F10%2F11~9ba7748c871cb536.gz"},
	} {
		if got := strings.Join(wish(parse(t, c.url), c.kind), "/"); got != c.want {
			t.Errorf("%s (%s)\n got %s\nwant %s", c.url, c.kind, got, c.want)
		}
	}
}

// device matches the names that Windows reserves for devices, with any extension.
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)`)

func TestLongNamesWithACommonPrefixDiffer(t *testing.T) {
	t.Parallel()
	long := "http://example.com/" + strings.Repeat("%E2%82%AC", 100)
	one, two := wish(parse(t, long+"1"), ""), wish(parse(t, long+"2"), "")
	if one[1] == two[1] {
		t.Errorf("both are %s", one[1])
	}
}

func FuzzAName(f *testing.F) {
	for _, url := range []string{
		"http://example.com/", "http://example.com/..%2f..%2fetc/passwd?../..", "http://a/%E2%80%AE%00CON./ /-x",
		"http://a/" + strings.Repeat("%ff/", 2000),
		"http://a/" + strings.Repeat("€", 2000) + "." + strings.Repeat("é", 5),
		"http://a/1/2/3/4/5/6/7/8/-9/.10/11.", "http://[::1]:1/nul?", "http://a/%25%2525%",
		"http://a/" + strings.Repeat("x", 90) + "%20.%2e",
		"http://a/" + strings.Repeat(strings.Repeat("y", 119)+"/", 9),
	} {
		f.Add(url, "text/html")
	}
	f.Fuzz(func(t *testing.T, url, contentType string) {
		u, err := crawler.ParseURL(url)
		if err != nil {
			return
		}
		segments := wish(u, contentType)
		wantSafe(t, segments)
		for i, s := range segments { // as the index of names may change them
			segments[i] = suffixed(s, url)
		}
		wantSafe(t, segments)
	})
}

// wantSafe fails unless the segments are valid in a file name on every system.
func wantSafe(t *testing.T, segments []string) {
	t.Helper()
	name := strings.Join(segments, "/")
	if !filepath.IsLocal(name) || path.Clean(name) != name || len(name) > 1000 || len(segments) > maxLevels ||
		len(segments) < 2 {
		t.Errorf("%d bytes in %d levels: %q", len(name), len(segments), name)
	}
	for _, s := range segments {
		unsafe := strings.ContainsFunc(s, func(r rune) bool {
			return !unicode.IsPrint(r) || strings.ContainsRune(`/\:*?"<>|`, r)
		})
		switch {
		case !utf8.ValidString(s), unsafe, len(s) > maxSegment, s == "", device.MatchString(s),
			strings.ContainsRune(".- ", rune(s[0])), strings.HasSuffix(s, "."), strings.HasSuffix(s, " "):
			t.Errorf("segment %q of %q", s, name)
		}
	}
}

func TestNamesOfScatteredFilesDoNotDependOnTheWorker(t *testing.T) {
	t.Parallel()
	names := map[string]string{}
	for url, plain := range map[string]string{
		"https://example.com/":             "example.com/index.html",
		"https://example.com/index.html":   "",
		"http://example.com/":              "",
		"https://example.com/a":            "",
		"https://example.com/a/":           "example.com/a/index.html",
		"https://example.com/a.html":       "example.com/a.html",
		"https://example.com/a.html/b.png": "example.com/a%2Ehtml/b.png",
		"https://example.com/a.html?q=1":   "",
		"https://example.com/a.html@q=1":   "example.com/a.html@q=1",
		"http://example.com/a.html":        "",
	} {
		var first string
		for range 2 { // the second time as another worker
			f := openFiles(t, FilesConfig{Dir: t.TempDir(), Scattered: true})
			keep(t, f, page(t, "https://example.com/other", ""), page(t, url, ""))
			recs := kept(t, f.in.dir, "manifest-*.jsonl")
			name := recs[1].Path
			if first == "" {
				first = name
			}
			if name != first || plain != "" && name != plain || plain == "" && !strings.Contains(name, "~") {
				t.Errorf("%s is in %s, and was in %s; want %q", url, name, first, plain)
			}
		}
		if other := names[first]; other != "" {
			t.Errorf("%s and %s are both in %s", url, other, first)
		}
		names[first] = url
	}
	for name := range names {
		for other := range names {
			if strings.HasPrefix(other, name+"/") {
				t.Errorf("%s is a file and the folder of %s", name, other)
			}
		}
	}
}
