package crawler

import (
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

var (
	plainURLs = []string{
		"https://example.com/", "http://a.b-c.example/a/b.html", "https://1a.example/?q=a/../b&r=%2e",
		"http://localhost/x;y=1,2/(z)!*$@:~", "https://xn.example//a//", "https://a.example/a%20b%zz.",
		"https://a.example/?", "https://127.0.0.1/", "http://127.0.0.1:8099/a", "https://a.example:80/",
		"http://a.example:443/", "http://localhost:65535/?a:b",
	}
	otherURLs = []string{
		"", "https://", "https://example.com", "HTTPS://example.com/", "https://Example.com/", "ftp://example.com/",
		"https://example.com:443/", "https://u@example.com/", "https://1.2/", "https://a.0x1/",
		"https://[::1]/", "http://127.0.0.1:80/", "http://a.example:/", "http://a.example:08/", "http://a.example:0/",
		"http://a.example:65536/", "http://a.example:1:2/", "http://a:b@c.example/", "http://127.0.0.01/",
		"http://127.0.0.256/", "http://127.0.0/", "http://127.0.0.1./", "http://1.2.3.4.5/",
		"https://xn--nxasmq6b.example/", "https://a--b.example/", "https://-a.example/", "https://a-.example/",
		"https://a..b/", "https://a.b./",
		"https://ü.example/", "https://a_b.example/", "https://a.example/./b", "https://a.example/a/../b",
		"https://a.example/%2e%2E/b",
		"https://a.example/a b", "https://a.example/ü", "https://a.example/#a", "https://a.example/\\b",
		"https://a.example/?'", " https://a.example/",
		"https://a.example/\t", "https:/a.example/", "https:///a.example/", "https://a.example/\x00",
		"https://a.example/{}",
		"https://" + strings.Repeat("a", 64) + ".example/", "https://" + strings.Repeat("a.", 130) + "example/",
		"https://a.example/" + strings.Repeat("a", urltext.MaxLength),
	}
)

func TestPlainURLsAreToldFromOthers(t *testing.T) {
	t.Parallel()
	for _, s := range plainURLs {
		if _, ok := plainURL(s); !ok {
			t.Errorf("%q is not told to be plain", s)
		}
	}
	for _, s := range otherURLs {
		if u, ok := plainURL(s); ok {
			t.Errorf("%q is taken for the plain URL %v", s, u)
		}
	}
}

// FuzzPlainURL looks for an input that is taken for a plain URL, and that the
// parser refuses or changes.
func FuzzPlainURL(f *testing.F) {
	for _, s := range slices.Concat(plainURLs, otherURLs) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := plainURL(s)
		if !ok {
			return
		}
		want, err := parseURL(s)
		if err != nil || got != want {
			t.Errorf("%q is taken for the plain URL %+v; the parser says %+v (%v)", s, got, want, err)
		}
	})
}

func BenchmarkParseURL(b *testing.B) {
	for name, s := range map[string]string{
		"plain":  "https://www.site12.example.com/articles/2026/07/a-title-of-some-words-12345.html?page=2",
		"port":   "http://127.0.0.1:8099/articles/2026/07/a-title-of-some-words-12345.html?page=2",
		"parsed": "https://www.site12.example.com/articles/2026/07/a-title-of-some-words-12345.html?page=2#top",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseURL(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
