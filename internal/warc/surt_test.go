package warc

import (
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestKeysOfAnIndex(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://example.com/":                   "com,example)/",
		"https://www.Example.com/A/b/?C=d&a=1":  "com,example)/a/b?a=1&c=d",
		"http://www2.example.co.uk:8080/x":      "uk,co,example:8080)/x",
		"http://www.com/":                       "com)/",
		"http://wwwx.example.com/?":             "com,example,wwwx)/",
		"http://user:secret@example.com./":      "com,example)/",
		"http://192.0.2.1:81/a":                 "192.0.2.1:81)/a",
		"http://[2001:db8::1]/a":                "2001:db8::1)/a",
		"http://m\u00fcnchen.example/\u00fc//":  "example,xn--mnchen-3ya)/%c3%bc",
		"http://example.com/?b=2&a=1&b=1&empty": "com,example)/?a=1&b=1&b=2&empty",
	} {
		if got := surt(parsed(t, url)); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}

func TestHowAPageWasFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		links, redirects int
		prerequisite     bool
		want             string
	}{
		{0, 0, false, ""}, {2, 1, false, "LLR"}, {0, 0, true, "P"},
		{50, 0, false, strings.Repeat("L", 50)}, {1000, 1, true, "952+" + strings.Repeat("L", 48) + "RP"},
	} {
		if got := hops(c.links, c.redirects, c.prerequisite); got != c.want {
			t.Errorf("%d links, %d redirects: got %s, want %s", c.links, c.redirects, got, c.want)
		}
	}
}

func TestMediaTypesOfAnIndex(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Text/HTML; charset=utf-8": "text/html", "": "unk", " ; x": "unk", "text/html\r\nx": "unk", "caf\xe9": "unk",
		"a b": "unk",
	} {
		if got := mimeOf(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

func parsed(t testing.TB, s string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
