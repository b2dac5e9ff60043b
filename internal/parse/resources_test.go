package parse

import (
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/reference"
)

// paths returns URLs, relative to http://example.com if they are on that host.
func paths(urls []crawler.URL) []string {
	var all []string
	for _, u := range urls {
		all = append(all, strings.TrimPrefix(u.String(), "http://example.com"))
	}
	return all
}

func TestResources(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"images and their candidates", `<img src=/a srcset="/b 1x, /c 2x"><picture><source srcset=/d>`,
			[]string{"/a", "/b", "/c", "/d"}},
		{"an image by its obsolete name", `<image src=/a>`, []string{"/a"}},
		{"media with their posters and tracks",
			`<video src=/v poster=/p><source src=/s><track src=/t></video><audio src=/a>`,
			[]string{"/v", "/p", "/s", "/t", "/a"}},
		{"plug-ins", `<embed src=/e><object data=/o>`, []string{"/e", "/o"}},
		{"scripts, but not what is in them", `<script src=/s>"<img src=/no>"</script>`, []string{"/s"}},
		{"buttons that are images", `<input type=IMAGE src=/i><input type=text src=/no>`, []string{"/i"}},
		{"obsolete background attributes", `<body background=/b><table background=/t><td background=/d>`,
			[]string{"/b", "/t", "/d"}},
		{"the rel of links", `<link rel="ALTERNATE stylesheet" href=/s><link rel="shortcut icon" href=/i><link rel=modulepreload href=/m>` +
			`<link rel=preload as=image imagesrcset="/p 1x"><link rel=manifest href=/f><link rel=author href=/no>`,
			[]string{"/s", "/i", "/m", "/p", "/f"}},
		{"style sheets in the page",
			`<style>@import "/i"; a { background: url(/u) }</style><p style="background:url('/p')">`,
			[]string{"/i", "/u", "/p"}},
		{"drawings", `<svg><image href=/a xlink:href=/no /><use xlink:href="/b#c"/><use href=#d /><feImage href=/e /><style><![CDATA[a{fill:url(/f)}]]></style></svg>`, []string{"/a", "/b", "/e", "/f"}},
		{"an image element of SVG is ignored in HTML", `<use href=/a><feImage href=/b>`, nil},
		{"the content of noscript", `<noscript><img src=/n></noscript>`, []string{"/n"}},
		{"each once, also after a base", `<base href=/b/><img src=a><img src=./a#x><style>a{b:url(a)}</style>`,
			[]string{"/b/a"}},
		{"references to nothing", `<img src><img src=" "><img src="data:x"><video src=#t><a style="fill:url(#g)">`,
			nil},
		{"templates are ignored", `<template><img src=/a><style>a{b:url(/c)}</style></template>`, nil},
		{"no pages", `<a href=/a><iframe src=/f>`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc := parsePage(t, Config{Resources: true}, htmlPage("http://example.com/dir/page", c.body))
			if got := paths(doc.Resources); !slices.Equal(got, c.want) {
				t.Errorf("resources %q, want %q", got, c.want)
			}
		})
	}
}

func TestResourcesAreOnlyListedIfRequested(t *testing.T) {
	t.Parallel()
	if doc := parseHTML(t, "<img src=/a><style>a{b:url(/c)}</style>"); doc.Resources != nil {
		t.Errorf("resources %v, want none", doc.Resources)
	}
}

func TestAlternatesOfAPageAreLinksOnlyForArchives(t *testing.T) {
	t.Parallel()
	const body = `<link rel=alternate hreflang=de href=/de><link rel="alternate stylesheet" href=/s>`
	doc := parsePage(t, Config{Resources: true}, htmlPage("http://example.com/", body))
	if len(doc.Links) != 1 || doc.Links[0].URL.Path() != "/de" {
		t.Errorf("links %v, want the translation", doc.Links)
	}
	if doc := parseHTML(t, body); len(doc.Links) != 0 {
		t.Errorf("links %v, want none unless requested", doc.Links)
	}
}

func TestAStyleSheetHasResources(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/css/a.css", "\xef\xbb\xbf@import 'b.css'; a { background: url(../é.png?ü) }")
	page.Header.Set("Content-Type", "text/css; charset=koi8-r")
	doc := parsePage(t, Config{Resources: true}, page)
	if got := paths(doc.Resources); !slices.Equal(got, []string{"/css/b.css", "/%C3%A9.png?%C3%BC"}) ||
		doc.Charset != "utf-8" {
		t.Errorf("resources %q in %s", got, doc.Charset)
	}
	if doc := parsePage(t, Config{}, page); doc != nil {
		t.Errorf("document %+v of a style sheet that was not requested", doc)
	}
}

func TestTheCharsetOfAStyleSheet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ declared, sheet, want string }{
		{"", "a{}", "utf-8"},
		{"", `@charset "latin2"; a{}`, "iso-8859-2"},
		{"", `@charset "utf-16"; a{}`, "utf-8"},
		{"", `@charset "none"; a{}`, "utf-8"},
		{"", `@charset 'latin2';`, "utf-8"},
		{"koi8-r", `@charset "latin2";`, "koi8-r"},
	} {
		if got := charset.NewStyleSource(charset.MediaType{Charset: c.declared},
			[]byte(c.sheet)).Charset; got != c.want {
			t.Errorf("%q declared as %q is %s, want %s", c.sheet, c.declared, got, c.want)
		}
	}
}

func collect(refs func(func([]byte) bool)) []string {
	var all []string
	refs(func(ref []byte) bool {
		all = append(all, string(ref))
		return true
	})
	return all
}

func TestCandidatesOfASrcset(t *testing.T) {
	t.Parallel()
	for srcset, want := range map[string][]string{
		"":                                 nil,
		" , ":                              nil,
		"a":                                {"a"},
		"a,b":                              {"a,b"},
		"a, b":                             {"a", "b"},
		"a,, b 1x":                         {"a", "b"},
		"a 1x,b 2.5x":                      {"a", "b"},
		"a 100w,b 200w 100h":               {"a", "b"},
		"data:,a 1x, b 2x":                 {"data:,a", "b"},
		"a (1x, 2x) 1x, b":                 {"b"},
		"a 1x 2x, b 1w 1x, c 1h, d":        {"d"},
		"a 0w, b -1x, c 1.5w, d w, e 1e1x": {"e"},
		"a 1w 1w, b x, c +1x, d NaNx, e":   {"e"},
		"a (b":                             nil,
		"a\t\n1x\f,\rb":                    {"a", "b"},
	} {
		if got := collect(reference.InSrcset([]byte(srcset))); !slices.Equal(got, want) {
			t.Errorf("%q has %q, want %q", srcset, got, want)
		}
	}
}

func TestReferencesOfAStyleSheet(t *testing.T) {
	t.Parallel()
	for sheet, want := range map[string][]string{
		"":                             nil,
		"a{b:url(c)}":                  {"c"},
		"a{b:URL( 'c' )}":              {"c"},
		`a{b:url("c)d" x)}e{f:url(g)}`: {"c)d", "g"},
		"a{b:url( c )url(d)}":          {"c", "d"},
		"a{b:url(c":                    {"c"},
		"a{b:url(c'd)}e{f:url(g)}":     {"g"},
		`a{b:u\72l(c)}`:                {"c"},
		`a{b:\75 \000072l(c)}`:         {"c"},
		`a{b:url(c\(d\29 e)}`:          {"c(d)e"},
		`a{b:url("c\
d\"\26 e")}`: {`cd"&e`},
		"/* url(a) */b{c:d}":                               nil,
		"/* url(a)":                                        nil,
		"a{content:'url(b)'}":                              nil,
		"a{b:'c\nurl(d)}":                                  {"d"},
		"a{b:curl(d) my-url(e)}":                           nil,
		"@import 'a';@import \"b\" screen;":                {"a", "b"},
		"@import url(a) layer(x);":                         {"a"},
		"@import 'a' supports(b: 'c'); d{}":                {"a"},
		"@IMPORT/**/'a'":                                   {"a"},
		"@media 'x' { a { b: 'c' } }":                      nil,
		"@charset 'utf-8';":                                nil,
		"@namespace s url(http://w/);a{b:url(c)}":          {"c"},
		"@font-face{src:local('x'),url(a) format('b')}":    {"a"},
		"a{b:image-set('c' 1x, url(d) 2x, 'e' type('f'))}": {"c", "d", "e"},
		"a{b:-webkit-image-set(url('c')1x)}'d'":            {"c"},
		"@":                                                nil,
		`\`:                                                nil,
		`a\`:                                               nil,
		`url(\`:                                            {`\`},
		"url('":                                            {""},
		"a{b:src('c')}":                                    {"c"},
		"a{b:1url(c)}":                                     nil,
		"a{b:(url(c))}":                                    {"c"},
		"))) url(a)":                                       {"a"},
	} {
		if got := collect(reference.InStyleSheet([]byte(sheet))); !slices.Equal(got, want) {
			t.Errorf("%q refers to %q, want %q", sheet, got, want)
		}
	}
}

func FuzzReferencesOfAStyleSheet(f *testing.F) {
	f.Add([]byte(`@import "a"; b { c: image-set(url(d), "\65 ") } /* x`))
	f.Fuzz(func(t *testing.T, sheet []byte) {
		collect(reference.InStyleSheet(sheet))
		collect(reference.InSrcset(sheet))
	})
}
