package parse

import (
	"slices"
	"testing"
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
		{"several in one and in two", []string{`<a>;rel="next",<b> ; rel = "x y"`, `<c>`}, []headerLink{{target: "a", rel: "next"}, {target: "b", rel: "x y"}, {target: "c"}}},
		{"what separates within a string does not", []string{`<a;b,c>; title="<x>, y; rel=z\""; REL=next, <d>`}, []headerLink{{target: "a;b,c", rel: "next"}, {target: "d"}}},
		{"the first rel counts", []string{`<a>; rel=next; rel=prev; anchor="x"; anchor=y`}, []headerLink{{target: "a", rel: "next", anchor: "x", anchored: true}}},
		{"parameters without values", []string{`<a>; rel; crossorigin ;rel=next;, <b>`}, []headerLink{{target: "a"}, {target: "b"}}},
		{"an empty target is the page", []string{`<>; rel=canonical`}, []headerLink{{target: "", rel: "canonical"}}},
		{"what is behind a mistake is not read", []string{`a; rel=next, <b>`, `<c`, `<d>; rel=next x <e>`}, []headerLink{{target: "d", rel: "next x <e>"}}},
		{"a string that never ends", []string{`<a>; rel="next, <b>`}, []headerLink{{target: "a", rel: "next, <b>"}}},
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
	page := htmlPage("http://example.com/dir/page?q", `<base href=/b/><link rel=canonical href=own><a href=/dir/2 rel=nofollow>x</a><img src=/i>`)
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
			t.Errorf("%s is not to be followed, though a header says nothing of the kind", l.URL)
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
		t.Errorf("links %v and resources %v, want no other forms and no resources where nobody asks", doc.Links, doc.Resources)
	}
}

func TestHeadersSpeakOfPagesThatAreNotRead(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/a.pdf", "%PDF-1.7")
	page.Header.Set("Content-Type", "application/pdf")
	if doc := parsePage(t, Config{}, page); doc != nil {
		t.Errorf("document %+v, want none of headers that say nothing", doc)
	}
	page.Header.Set("Link", `</a.html>; rel="canonical"`)
	page.Header.Set("X-Robots-Tag", "noindex, noai")
	page.Header.Set("TDM-Reservation", "1")
	doc := parsePage(t, Config{}, page)
	if doc == nil || doc.Canonical.Path() != "/a.html" || !doc.NoIndex || !doc.Rights.NoAI || doc.Rights.TDMReservation != "1" {
		t.Errorf("document %+v", doc)
	}
}

func TestALinkHeaderWithoutEndIsReadUpToABound(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "")
	for i := range 2 * mostHeaderLinks {
		page.Header.Add("Link", "</"+string(rune('一'+i))+">;rel=next")
	}
	if n := len(parsePage(t, Config{}, page).Links); n != mostHeaderLinks {
		t.Errorf("%d links, want %d", n, mostHeaderLinks)
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
