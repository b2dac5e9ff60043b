package parse

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/test/corpus"
)

// sameLinks fails if a scan that has read other pages before finds other links on a page
// than a new scan.
func sameLinks(t *testing.T, used *scan, at crawler.URL, body []byte) {
	t.Helper()
	src := charset.NewSource(charset.MediaType{}, body, false)
	links := func(s *scan) []rules.Link {
		if err := s.read(context.Background(), src, ""); err != nil {
			t.Fatal(err)
		}
		return s.refs.resolve(reference.NewResolver(at, s.base, src))
	}
	got, want := links(used), links(newScan(Config{}))
	if !slices.Equal(got, want) {
		t.Errorf("%s leads to %v, want %v\nof %q", at, got, want, htmltok.Clip(string(body), 1000))
	}
	if !used.forget() {
		*used = *newScan(Config{})
	}
}

func TestLinksDoNotDependOnEarlierPages(t *testing.T) {
	t.Parallel()
	pages := []string{
		"http://a.test/", "http://a.test/x", "http://a.test/x?q", "http://a.test/x/", "http://a.test/x/y",
		"http://a.test/x/y?q=/z",
		"https://a.test/x/", "http://b.test/x/", "http://b.test:8080/x/z",
	}
	hrefs := []string{
		"", "?", "?a", "?a/b", "#f", "x", "./x", "../x", "x/", "x?a", "x#f", "x #f", " x ", "/x", "//c.test/x", "/",
		".", "..", "http:", "http:x", "http:?x", "http:/x", "http:x?a://b",
		"HTTP:?x", "ht\ntp:?x", "https:?x", "https:x", "http://a.test/x", "http://a.test/x/x", "mailto:x@a.test",
		"javascript:x://y", "\\x", "x:y", "x/y:z", "?x:y", "\t?x", "?\u00e9", "\u00e9", "a\n?x",
		"\x01?x", "http:\n?x", "http:\t//a.test/x", "http:#x",
	}
	charsets := []string{"utf-8", "windows-1252", "shift_jis"}
	used := newScan(Config{})
	for pass := range 3 {
		for i, page := range pages {
			at, err := crawler.ParseURL(page)
			if err != nil {
				t.Fatal(err)
			}
			for j, charset := range charsets {
				var body strings.Builder
				fmt.Fprintf(&body, "<meta charset=%s>", charset)
				if pass == 2 && j == 0 {
					fmt.Fprintf(&body, "<base href=%q>", pages[(i+1)%len(pages)])
				}
				for k := range hrefs { // in a different order on each page
					rel := "follow"
					if (i+j+k)%3 == 0 {
						rel = "nofollow"
					}
					fmt.Fprintf(&body, "<a rel=%s href=\"%s\">", rel, hrefs[(k*(2*i+1)+j)%len(hrefs)])
				}
				sameLinks(t, used, at, []byte(body.String()))
			}
		}
	}
}

func TestLinksOfRealPagesDoNotDependOnEarlierPages(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Manuals() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			used := newScan(Config{})
			for _, page := range c.Pages(t, corpus.MaxPages()) {
				sameLinks(t, used, page.URL, page.Body.Head)
			}
		})
	}
}

// The memory of earlier pages is bounded, and memory that an unusually large page needed
// is released.
func TestTheMemoryOfRefsIsBounded(t *testing.T) {
	t.Parallel()
	r := newRefs()
	page := crawler.URL{}
	for i := range 300 {
		page, _ = crawler.ParseURL(fmt.Sprintf("http://a.test/%d/", i))
		for j := range 100 {
			r.add(fmt.Appendf(nil, "%d-%d", i, j), false)
		}
		if got := len(r.resolve(reference.NewResolver(page, reference.First{},
			charset.Source{Charset: "utf-8"}))); got != 100 {
			t.Fatalf("page %d has %d links", i, got)
		}
		if !r.forget() {
			t.Fatalf("after %d pages nothing is worth keeping", i+1)
		}
		if len(r.list) > 4200 || len(r.links) > 4200 || len(r.known) > 4200 || len(r.urls) > 4200 {
			t.Fatalf("after %d pages %d references and %d links are remembered", i+1, len(r.list), len(r.links))
		}
	}
	long, _ := crawler.ParseURL("http://a.test/" + strings.Repeat("x", 8000) + "/")
	for j := range 300 { // short references to long URLs
		r.add(fmt.Appendf(nil, "long%d", j), false)
	}
	r.resolve(reference.NewResolver(long, reference.First{}, charset.Source{Charset: "utf-8"}))
	if r.forget(); len(r.links) > 0 || len(r.urls) > 0 || len(r.folders) > 0 {
		t.Errorf("%d long URLs are remembered", len(r.links))
	}
	for j := range reference.MaxLinks + 1000 {
		r.add(fmt.Appendf(nil, "x%d", j), false)
	}
	if got := len(r.resolve(reference.NewResolver(page, reference.First{},
		charset.Source{Charset: "utf-8"}))); got != reference.MaxLinks {
		t.Errorf("%d links of a page with too many are followed, want %d", got, reference.MaxLinks)
	}
	if r.forget() {
		t.Error("the memory for an unusually large page is kept")
	}
}

func FuzzRefs(f *testing.F) {
	f.Add([]byte("<a href=x><a href=?x><a href=http:?x>"), []byte("<base href=/y/><a href=x>"), "http://a.test/b/c?d")
	used := newScan(Config{})
	f.Fuzz(func(t *testing.T, one, other []byte, page string) {
		at, err := crawler.ParseURL(page)
		if err != nil {
			at, _ = crawler.ParseURL("http://a.test/b/c?d")
		}
		sibling, err := crawler.ParseURL(at.Base().Folder() + "sibling?e")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			sameLinks(t, used, at, one)
			sameLinks(t, used, sibling, one)
			sameLinks(t, used, at, bytes.Join([][]byte{other, one}, nil))
		}
	})
}
