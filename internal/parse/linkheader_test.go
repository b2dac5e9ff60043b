package parse

import (
	"slices"
	"testing"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rights"
)

func TestLinksOfHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values []string
		want   []headerLink
	}{
		{"none", []string{"", " , "}, nil},
		{"one", []string{`<a>; rel=next`}, []headerLink{{target: "a", rel: "next"}}},
		{"several links in one header and in two", []string{`<a>;rel="next",<b> ; rel = "x y"`, `<c>`},
			[]headerLink{{target: "a", rel: "next"}, {target: "b", rel: "x y"}, {target: "c"}}},
		{"separators within a string are ignored", []string{`<a;b,c>; title="<x>, y; rel=z\""; REL=next, <d>`},
			[]headerLink{{target: "a;b,c", rel: "next"}, {target: "d"}}},
		{"the first rel applies", []string{`<a>; rel=next; rel=prev; anchor="x"; anchor=y`},
			[]headerLink{{target: "a", rel: "next", anchor: "x", anchored: true}}},
		{"parameters without values", []string{`<a>; rel; crossorigin ;rel=next;, <b>`},
			[]headerLink{{target: "a"}, {target: "b"}}},
		{"an empty target is the page", []string{`<>; rel=canonical`}, []headerLink{{target: "", rel: "canonical"}}},
		{"links after a syntax error are ignored", []string{`a; rel=next, <b>`, `<c`, `<d>; rel=next x <e>`},
			[]headerLink{{target: "d", rel: "next x <e>"}}},
		{"an unterminated string", []string{`<a>; rel="next, <b>`}, []headerLink{{target: "a", rel: "next, <b>"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := slices.Collect(headerLinks(c.values)); !slices.Equal(got, c.want) {
				t.Errorf("links %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestWhatAHeaderLinksTo(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/dir/page?q",
		`<base href=/b/><link rel=canonical href=own><a href=/dir/2 rel=nofollow>x</a><img src=/i>`)
	page.Header["Link"] = []string{
		`<2>; rel="next", <3>; rel=NEXT, <4>; rel=prev, <5>; rel=next; anchor="http://other.example/"`,
		`<6>; rel=next; anchor="#part", <mailto:x>; rel=next, </s>; rel="preload stylesheet", </i>; rel=preload`,
		`</de>; rel=alternate; hreflang=de, <other>; rel=canonical`,
	}
	doc := parsePage(t, Config{Resources: true}, page)
	var links []string
	for _, l := range doc.Links {
		links = append(links, l.URL.Path())
		if l.NoFollow {
			t.Errorf("%s is nofollow, although no header says so", l.URL)
		}
	}
	if want := []string{"/dir/2", "/dir/3", "/dir/6", "/de"}; !slices.Equal(links, want) {
		t.Errorf("links %q, want %q", links, want)
	}
	if got := paths(doc.Resources); !slices.Equal(got, []string{"/i", "/s"}) {
		t.Errorf("resources %q", got)
	}
	if doc.Canonical.Path() != "/b/own" {
		t.Errorf("canonical %s, want the document's own", doc.Canonical)
	}
	if doc := parsePage(t, Config{}, page); len(doc.Links) != 3 || doc.Resources != nil {
		t.Errorf("links %v and resources %v, want neither alternates nor resources unless requested", doc.Links,
			doc.Resources)
	}
}

func TestHeadersAlsoApplyToPagesThatAreNotParsed(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/a.pdf", "%PDF-1.7")
	page.Header.Set("Content-Type", "application/pdf")
	if doc := parsePage(t, Config{}, page); doc != nil {
		t.Errorf("document %+v, want none for headers without information", doc)
	}
	page.Header.Set("Link", `</a.html>; rel="canonical"`)
	page.Header.Set("X-Robots-Tag", "noindex, noai")
	page.Header.Set("TDM-Reservation", "1")
	doc := parsePage(t, Config{}, page)
	if doc == nil || doc.Canonical.Path() != "/a.html" || !doc.NoIndex || !rights.Of(doc.Rights).NoAI ||
		rights.Of(doc.Rights).TDMReservation != "1" {
		t.Errorf("document %+v", doc)
	}
}

func TestAnEndlessLinkHeaderIsReadUpToALimit(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "")
	for i := range 2 * maxHeaderLinks {
		page.Header.Add("Link", "</"+string(rune('一'+i))+">;rel=next")
	}
	if n := len(parsePage(t, Config{}, page).Links); n != maxHeaderLinks {
		t.Errorf("%d links, want %d", n, maxHeaderLinks)
	}
}

func FuzzLinksOfHeaders(f *testing.F) {
	f.Add(`<a>; rel="next", <b>;x=y;z`)
	f.Fuzz(func(t *testing.T, value string) {
		for link := range headerLinks([]string{value}) {
			if len(link.target)+len(link.rel)+len(link.anchor) > len(value) {
				t.Errorf("link %+v is longer than its header", link)
			}
		}
	})
}

func TestTheRefreshHeaderIsALink(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"0; url=next": "http://example.com/b/next", "5,URL=\"/x y#z\"": "http://example.com/x%20y",
		"1;http://other.example/": "http://other.example/",
		"":                        "", "5": "", "x; url=/a": "", "0; url=mailto:a@example.com": "",
	} {
		page := htmlPage("http://example.com/dir/page", `<base href=/b/>`)
		page.Header.Set("Refresh", value)
		var got string
		for _, l := range parsePage(t, Config{}, page).Links {
			got += l.URL.String()
		}
		if got != want {
			t.Errorf("Refresh: %s leads to %q, want %q", value, got, want)
		}
	}
	picture := htmlPage("http://example.com/dir/i", "x")
	picture.Header.Set("Content-Type", "image/png")
	picture.Header.Set("Refresh", "0; url=next")
	doc := parsePage(t, Config{References: true}, picture)
	if len(doc.Links) != 1 || doc.Links[0].URL.String() != "http://example.com/dir/next" || len(doc.References) != 1 ||
		doc.References[0].Kind != fetched.ReferenceRefresh {
		t.Errorf("the links are %v, and the references %+v", doc.Links, doc.References)
	}
}

func TestFeedsOfAPageAreLinksToSitemaps(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/dir/page",
		`<link rel="Alternate home" type="application/RSS+xml; charset=utf-8" href=rss><link rel=alternate type=application/atom+xml href=/atom>
		<link rel=alternate type=text/html href=/de><link type=application/rss+xml href=/no><link rel=alternate type=application/rss+xml href=/never title=x data-x=1 rel=stylesheet><a href=/atom>feed</a><a href=/a>a</a>`)
	page.Header["Link"] = []string{`</header>; rel=alternate; type="application/atom+xml", </a>; rel=alternate; type=application/json`}
	feeds, all := func(cfg Config) (feeds, all []string) {
		for _, l := range parsePage(t, cfg, page).Links {
			if all = append(all, l.URL.Path()); l.Sitemap {
				feeds = append(feeds, l.URL.Path())
			}
		}
		return feeds, all
	}(Config{Feeds: true})
	if want := []string{"/atom", "/dir/rss", "/never", "/header"}; !slices.Equal(feeds, want) || len(all) != 5 {
		t.Errorf("the feeds are %q of %q, want %q", feeds, all, want)
	}
	for _, l := range parsePage(t, Config{}, page).Links {
		if l.Sitemap {
			t.Errorf("%s is a feed, but feeds were not requested", l.URL)
		}
	}
}
