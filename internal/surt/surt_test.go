package surt

import (
	_ "embed"
	"strings"
	"testing"
)

// table has a URL and its key in each line, separated by a tab. The keys were computed by
// surt.surt of https://github.com/internetarchive/surt, version 0.3.1. The URLs are those
// of its tests and others in which canonicalizers differ.
//
//go:embed testdata/pywb.tsv
var table string

func TestKeysAreThoseOfPyWB(t *testing.T) {
	t.Parallel()
	n := 0
	for line := range strings.Lines(table) {
		url, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			t.Fatalf("not a line of the table: %q", line)
		}
		if got := PyWB.Key(url); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
		n++
	}
	if n < 80 {
		t.Errorf("the table has %d URLs", n)
	}
}

func TestKeysAreThoseOfWARCIO(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		// The examples of warcio.js, test/testUtils.test.ts.
		"https://www23.example.com/some/path":                 "com,example)/some/path",
		"https://example.com/www2.example/some/value":         "com,example)/www2.example/some/value",
		"https://abc.www.example.com/example":                 "com,example,www,abc)/example",
		"https://www.example.com:443/some/path":               "com,example)/some/path",
		"http://www.example.com:80/some/path":                 "com,example)/some/path",
		"https://www.example.com:123/some/path":               "com,example:123)/some/path",
		"https://www.example.com/some/path?D=1&CC=2&EE=3":     "com,example)/some/path?cc=2&d=1&ee=3",
		"https://www.example.com/some/path?a=b&c=d&cc=c#hash": "com,example)/some/path?a=b&c=d&cc=c",
		"http://example.com/A%2Fb/":                           "com,example)/a%2fb/",
		"http://user:secret@example.com?x":                    "com,example)/?x",
		"http://[2001:db8::1]:8080/a?":                        "[2001:db8::1]:8080)/a",
		"http://127.0.0.1:8080/a/":                            "1,0,0,127:8080)/a/",
		"urn:some:id":                                         "urn:some:id",
	} {
		if got := WARCIO.Key(url); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}

func TestFormsAreFoundByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Form{"": PyWB, "pywb": PyWB, "warcio": WARCIO} {
		if got, err := ParseForm(name); got != want || err != nil {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
	if _, err := ParseForm("ia"); err == nil || !strings.Contains(err.Error(), `"ia"`) {
		t.Errorf("an unknown form: got %v", err)
	}
}

func FuzzKey(f *testing.F) {
	for line := range strings.Lines(table) {
		url, _, _ := strings.Cut(line, "\t")
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		key := Key(url)
		hosted := strings.HasPrefix(url, "http://a.example/")
		if hosted && strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Errorf("%q: the key %q cannot be a word of an index", url, key)
		}
		WARCIO.Key(url)
	})
}
