package sink

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/tabular"
)

func TestNamesInANewFolderAreUnique(t *testing.T) {
	t.Parallel()
	n := NewNaming()
	html := func(name string) string { return name + ".html" }
	seen := make(map[string]string)
	for _, c := range []struct {
		url, want string
		end       func(string) string
	}{
		{"http://x/a", "x/a.html", html},
		{"http://x/A", "", html}, // the same on some systems
		{"http://x/a.html", "", func(name string) string { return name }},
		{"https://x/a", "", html},
		{"http://x/a.html/b", "", html}, // a file is not a folder
		{"http://mirror/../../b", "%6Dirror/b.html", html},
		{"http://x/a", "x/a.html", html}, // the same URL again
	} {
		u, err := crawler.ParseURL(c.url)
		if err != nil {
			t.Fatal(err)
		}
		got := n.File(u, "text/html", c.end)
		if c.want != "" && got != c.want {
			t.Errorf("%s is named %q, want %q", c.url, got, c.want)
		}
		if other, taken := seen[fold(got)]; taken && other != c.url {
			t.Errorf("%s and %s are both named %q", c.url, other, got)
		}
		seen[fold(got)] = c.url
	}
}

func TestARowConvertsBackToItsRecord(t *testing.T) {
	t.Parallel()
	want := crawler.Record{
		URL: "http://x/a", FinalURL: "http://x/b", Redirects: []string{"http://x/b"}, Status: 200,
		Outcome:   crawler.OutcomeFetched,
		FetchedAt: "2026-11-26T12:00:00.123Z", DurationMS: 7, ContentType: "text/html", Charset: "utf-8", Bytes: 12,
		Truncated: true,
		Digest:    "sha256:00", Title: "t", Depth: 2, Referrer: "http://x/", Links: 3, Resources: 4, Embeds: 1,
		Job:    "j",
		Worker: "w",
		Fields: map[string]any{"price": "5", "tags": []any{"a", "b"}},
	}
	row, err := tabular.PageRowOf(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := row.Record()
	if err != nil {
		t.Fatal(err)
	}
	a, err := want.JSON()
	if err != nil {
		t.Fatal(err)
	}
	b, err := got.JSON()
	if err != nil || string(a) != string(b) {
		t.Errorf("the record is\n%s, want\n%s (%v)", b, a, err)
	}
}
