package parse

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/internal/reference"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	// Links are relative to http://example.com if they are on that host. A leading "!"
	// marks a link that must not be followed.
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"anchors and areas have links", `<a href=/a><area href=/b>`, []string{"/a", "/b"}},
		{"an anchor without href has none", `<a name=x>`, nil},
		{"an empty href is the page", `<a href>`, []string{"/dir/page?q=1"}},
		{"fragments lead to the same page", `<a href=x#1><a href=x#2><a href=x><a href=#3>`,
			[]string{"/dir/x", "/dir/page?q=1"}},
		{"white space before a fragment", `<a href="x #1"><a href=" x ">`, []string{"/dir/x%20", "/dir/x"}},
		{"a URL in several notations is one link",
			`<a href=x><a href=./x><a href=/dir/x><a href=HTTP://EXAMPLE.com:80/dir/x>`, []string{"/dir/x"}},
		{"links are in document order", `<a href=/3><a href=/1><a href=/3><a href=/2>`,
			[]string{"/3", "/1", "/2"}},
		{"other schemes are dropped", `<a href=mailto:a@b><a href=javascript:x><a href=ftp://x/><a href=/a>`,
			[]string{"/a"}},
		{"invalid URLs are dropped", `<a href="http://[x/"><a href="http://a b/"><a href=/a>`, []string{"/a"}},
		{"the first of two hrefs applies", `<a href=/1 href=/2>`, []string{"/1"}},
		{"character references are read", `<a href="/?a=1&amp;b=&#50;&copy=3">`, []string{"/?a=1&b=2&copy=3"}},
		{"an unfinished tag is ignored", `<a href=/a><a href="/b"`, []string{"/a"}},

		{"nofollow is recorded", `<a href=/a rel="external NoFollow"><a href=/b rel=nofollowing>`, []string{"!/a", "/b"}},
		{"one reference without nofollow is enough",
			`<a href=/a rel=nofollow><a href=/a><a href=/b><a href=./../b rel=nofollow>`, []string{"/a", "/b"}},
		{"nofollow on all references", `<a href=/a rel=nofollow><a href=/./a rel=nofollow><a href=/a rel=nofollow>`,
			[]string{"!/a"}},

		{"the next page of a series is a link",
			`<link rel="Next" href=/2><link rel=prev href=/0><link rel=stylesheet href=/s>`, []string{"/2"}},
		{"iframes have links", `<iframe src=/f><a href=/raw></iframe><iframe src="">`, []string{"/f"}},
		{"frames in a frameset have links", `<head><title>t</title></head> <frameset><frame src=/f></frameset>`,
			[]string{"/f"}},
		{"frames outside a frameset are ignored", `<frame src=/f>`, nil},
		{"a frameset after content is ignored", `<p>text<frameset><frame src=/f>`, nil},

		{"base governs links before and after it", `<a href=x><base href=/b/><a href=y><base href=/c/>`,
			[]string{"/b/x", "/b/y"}},
		{"a base without href is ignored", `<base target=x><base href=/b/><a href=x>`, []string{"/b/x"}},
		{"an invalid base is ignored", `<base href="http://["><base href=/b/><a href=x>`, []string{"/dir/x"}},
		{"base may be another host", `<base href=https://other.example/b/><a href=x><a href=>`,
			[]string{"https://other.example/b/x", "https://other.example/b/"}},

		{"comments have no links", `<!-- <a href=/a> --><!--><a href=/b>`, []string{"/b"}},
		{"scripts have no links", `<script>"<a href=/a>"</script><style><a href=/b></style><a href=/c>`,
			[]string{"/c"}},
		{"titles and text areas have no links",
			`<title><a href=/a></title><textarea><a href=/b></textarea><xmp><a href=/c></xmp>`, nil},
		{"noscript has links", `<noscript><a href=/a></noscript>`, []string{"/a"}},
		{"a base in noscript counts", `<head><noscript><base href=/b/></noscript><a href=x>`, []string{"/b/x"}},
		{"templates have no links",
			`<template><base href=/b/><a href=/a><template></template><a href=/b></template><a href=x>`,
			[]string{"/dir/x"}},
		{"an unclosed template hides the rest", `<a href=/a><template><a href=/b></div></svg>`,
			[]string{"/a"}},

		{"SVG has links but no base", `<svg><base href=/b/><a href=/a></a></svg><a href=x>`, []string{"/a", "/dir/x"}},
		{"links of SVG with xlink:href",
			`<svg><A XLINK:HREF=" /a#b " rel=nofollow><text>x</text></A><a xlink:href=/b href=/c><a xlink:title=x></svg>`, []string{"!/a", "/c"}},
		{"an area is not a link in SVG", `<svg><area href=/a></area><link href=/b rel=next /><use href=/c /></svg>`, nil},
		{"links of SVG in a template",
			`<svg><template><a href=/a></a></template></svg><template><svg><a href=/b></svg></template>`,
			[]string{"/a"}},
		{"links of MathML are ignored", `<math><a href=/a></a></math><a href=/b>`, []string{"/b"}},
		{"HTML inside of SVG is", `<svg><foreignObject><a href=/a></a></foreignObject><a href=/b></a></svg>`,
			[]string{"/a", "/b"}},
		{"HTML inside of MathML is",
			`<math><mtext><a href=/a></a></mtext><mi><a href=/b></a></mi><a href=/c></a></math>`, []string{"/a", "/b"}},
		{"an SVG without content ends immediately", `<svg/><a href=/a>`, []string{"/a"}},
		{"an unclosed SVG ends at the next block", `<svg><g><a href=/a></a><div><a href=/b>`,
			[]string{"/a", "/b"}},
		{"the title of an SVG holds elements", `<svg><title><a href=/a></a></title></svg><a href=/b>`,
			[]string{"/a", "/b"}},
		{"character data of an SVG is text", `<svg><style><![CDATA[<p><a href=/a>]]></style></svg><a href=/b>`,
			[]string{"/b"}},
		{"nested SVGs end one by one", `<svg><svg></svg><a href=/a></a></svg><a href=/b>`, []string{"/a", "/b"}},

		{"meta refresh is a link",
			`<meta http-equiv=Refresh content="0; url=/r"><meta name=refresh content="0; url=/s">`, []string{"/r"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, l := range parseHTML(t, c.body).Links {
				link := strings.TrimPrefix(l.URL.String(), "http://example.com")
				if l.NoFollow {
					link = "!" + link
				}
				got = append(got, link)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("links %q, want %q", got, c.want)
			}
		})
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"white space is collapsed", "<title>\n a \t\r\n b\f</title>", "a b"},
		{"character references are read", "<title>a &amp; b &eacute; &#x4f60;</title>", "a & b é 你"},
		{"elements are text", "<title>a <b>b</b></title>", "a <b>b</b>"},
		{"the first applies", "<title>a</title><title>b</title>", "a"},
		{"also when it is empty", "<title></title><title>b</title>", ""},
		{"text after an empty title is ignored", "<title></title>b", ""},
		{"one in SVG is ignored", "<svg><title>a</title></svg><title>b</title>", "b"},
		{"one in a template is ignored", "<template><title>a</title></template><title>b</title>", "b"},
		{"an unclosed one continues to the end", "<title>a<p>b", "a<p>b"},
		{"NUL is replaced", "<title>a\x00b</title>", "a\uFFFDb"},
		{"bytes that are not UTF-8 are replaced", "<title>a\xffb</title>", "a\uFFFDb"},
		{"a long one is cut between runes", "<title>a" + strings.Repeat("é", maxTitle) + "</title>",
			"a" + strings.Repeat("é", maxTitle/2-1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := parseHTML(t, c.body).Title; got != c.want || !utf8.ValidString(got) {
				t.Errorf("title %q, want %q", got, c.want)
			}
		})
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"none", "<link rel=next href=/n>", ""},
		{"it is resolved against the base", "<link rel='x Canonical' href=c><base href=/b/>", "http://example.com/b/c"},
		{"the first applies", "<link rel=canonical href=/1><link rel=canonical href=/2>", "http://example.com/1"},
		{"an empty one is ignored", "<link rel=canonical href><link rel=canonical href=/2>", "http://example.com/2"},
		{"an invalid URL", "<link rel=canonical href='http://['>", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := parseHTML(t, c.body).Canonical.String(); got != c.want {
				t.Errorf("canonical %q, want %q", got, c.want)
			}
		})
	}
}

func TestRefreshTarget(t *testing.T) {
	t.Parallel()
	const none = "\x00"
	for content, want := range map[string]string{
		"": none, "5": none, "5;": none, "x; url=/a": none, "-1; url=/a": none, "; url=/a": none, "5x; url=/a": none,
		"0; url=/a": "/a", "0;URL = '/a' b": "/a", `0,url="/a`: "/a", "0 /a": "/a", "0; /a": "/a", " 0.5;/a": "/a",
		".5;url=/a": "/a", "0; 'a'b'": "a", "0; uri=/a": "uri=/a", "0; url /a": "url /a", "0; ur": "ur", "0; url=": "",
	} {
		got, ok := reference.InRefresh([]byte(content))
		if ok != (want != none) || ok && string(got) != want {
			t.Errorf("%q leads to %q, %v, want %q", content, got, ok, want)
		}
	}
}
