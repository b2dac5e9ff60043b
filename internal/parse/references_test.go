package parse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/test/corpus"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       []string // kind, path, rel in brackets, text
	}{
		{"the text of an anchor is its content", "<a href=/1>  One\n <b>and</b>\ttwo </a> not this",
			[]string{"a /1 [] One and two"}},
		{"an anchor without href is ignored", "<a name=x>text</a>", nil},
		{"an anchor without text has none", "<a href=/1></a><a href=/2> </a>", []string{"a /1 [] ", "a /2 [] "}},
		{"character references are read", "<a href=/1>A&amp;B &eacute;</a>", []string{"a /1 [] A&B é"}},
		{"the text of an image is its alt", `<a href=/1><img alt="The logo">of us<img><img alt=""></a><img alt=no>`,
			[]string{"a /1 [] The logo of us"}},
		{"blocks separate words, and letters do not", "<a href=/1><div>One</div><p>two<br>three f<b>ou</b>r</a>",
			[]string{"a /1 [] One two three four"}},
		{"scripts and styles are not text", "<a href=/1>a<script>x()</script><style>y{}</style>b</a>",
			[]string{"a /1 [] ab"}},
		{"templates are not text", "<a href=/1>a<template>x<a href=/2>y</a><img alt=z></template>b</a>",
			[]string{"a /1 [] ab"}},
		{"SVG has text", "<a href=/1><svg><text>drawn</text><a href=/2>x</a></svg> and more</a>",
			[]string{"a /2 [] ", "a /1 [] drawnx and more"}},
		{"an anchor ends at the next", "<a href=/1>one<a href=/2>two", []string{"a /1 [] one", "a /2 [] two"}},
		{"an anchor ends at the next without href", "<a href=/1>one<a name=x>two", []string{"a /1 [] one"}},
		{"an anchor ends with its cell", "<table><tr><td><a href=/1>one<td>two</table>three", []string{"a /1 [] one"}},
		{"an anchor may hold a table", "<a href=/1><table><tr><td>one</td><td>two</td></tr></table>three</a>",
			[]string{"a /1 [] one two three"}},
		{"an unclosed anchor continues in the next block", "<p><a href=/1>one</p><p>two</p>",
			[]string{"a /1 [] one two"}},

		{"each reference to a page is listed with its text", "<a href=/1>one</a><a href=/1#x>two</a><a href=/1>two</a>",
			[]string{"a /1 [] one", "a /1 [] two"}},
		{"equal references are listed once", "<a href=/1>one</a> <a href='http://example.com/1'>one</a>",
			[]string{"a /1 [] one"}},
		{"rel is recorded", "<a href=/1 rel='NoFollow  UGC'>one</a>", []string{"a /1 [nofollow ugc!] one"}},
		{"the text of an area is its alt", "<area href=/1 alt='The east' rel=external>",
			[]string{"area /1 [external] The east"}},
		{"frames have no text", "<iframe src=/1>old browsers</iframe>", []string{"frame /1 [] "}},
		{"a frame in an anchor does not end it", "<a href=/1>one <iframe src=/2></iframe>two</a>",
			[]string{"frame /2 [] ", "a /1 [] one two"}},
		{"the next page of a series is a link", "<link rel=next href=/2>", []string{"link /2 [next] "}},
		{"a refresh is one", "<meta http-equiv=refresh content='0;url=/2'>", []string{"refresh /2 [] "}},
		{"a base applies to all links", "<base href=/b/><a href=x>x</a>", []string{"a /b/x [] x"}},
		{"other schemes are ignored", "<a href=mailto:a@b>mail</a><a href=/1>one</a>", []string{"a /1 [] one"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc := parsePage(t, Config{References: true}, htmlPage("http://example.com/", c.body))
			var got []string
			for _, r := range doc.References {
				mark := map[bool]string{true: "!"}[r.NoFollow]
				got = append(got, fmt.Sprintf("%s %s [%s%s] %s", r.Kind,
					strings.TrimPrefix(r.URL.String(), "http://example.com"), r.Rel, mark, r.Text))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("references %q, want %q", got, c.want)
			}
		})
	}
}

func TestReferencesAreOnlyRecordedIfRequested(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "<a href=/1>one</a>")
	page.Header.Set("Link", `</2>; rel="next"`)
	if doc := parsePage(t, Config{}, page); doc.References != nil {
		t.Errorf("references were not requested: %v", doc.References)
	}
	doc := parsePage(t, Config{References: true, Resources: true, Simhash: true}, page)
	if len(doc.References) != 2 || doc.References[1].Kind != fetched.ReferenceHeader ||
		doc.References[1].Rel != "next" {
		t.Errorf("references %v", doc.References)
	}
	if want := parsePage(t, Config{Simhash: true}, page).Simhash; doc.Simhash != want {
		t.Errorf("the fingerprint is %s, and %s without references", doc.Simhash, want)
	}
	for _, want := range []bool{false, true} {
		if got := JobConfig(crawler.Job{}, fetched.Needs{References: want}).References; got != want {
			t.Errorf("sinks need references: %v, and the parser collects them: %v", want, got)
		}
	}
}

func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxAnchorText)
	doc := parsePage(t, Config{References: true}, htmlPage("http://example.com/",
		"<a href=/1 rel='"+strings.Repeat("x ", 500)+"'>a"+long+"</a><a href=/2>two</a>"))
	if got := doc.References[0]; len(got.Text) != maxAnchorText-1 || !utf8.ValidString(got.Text) ||
		len(got.Rel) > maxAnchorRel {
		t.Errorf("text of %d bytes, rel of %d", len(got.Text), len(got.Rel))
	}
	if got := doc.References[1].Text; got != "two" {
		t.Errorf("after a long one the next is %q", got)
	}
	var body strings.Builder
	for i := range maxReferences + 10 {
		fmt.Fprintf(&body, "<a href=/%d>%s</a>", i, long[:200])
	}
	doc = parsePage(t, Config{References: true}, htmlPage("http://example.com/", body.String()))
	text := 0
	for _, r := range doc.References {
		text += len(r.Text)
	}
	if len(doc.References) != maxReferences || text > maxAnchors+maxAnchorText+8 {
		t.Errorf("%d references, %d bytes of text", len(doc.References), text)
	}
}

// The tokenizer must find the same texts as a tree.
func TestAnchorsOfRealPagesEqualThoseOfTheirTrees(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.Manuals() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			most, anchors := 100, 0
			if testing.Short() {
				most = 30
			}
			for _, page := range c.Pages(t, most) {
				got := parsePage(t, Config{References: true}, page).References
				want := treeAnchors(t, string(page.Body.Head), page.URL)
				anchors += len(want)
				wantAnchors(t, page.URL.String(), got, want)
			}
			t.Logf("%d anchors", anchors)
		})
	}
}

func wantAnchors(t *testing.T, page string, got, want []fetched.Reference) {
	t.Helper()
	got = slices.DeleteFunc(slices.Clone(got), func(r fetched.Reference) bool {
		return r.Kind != fetched.ReferenceAnchor
	})
	if !slices.Equal(got, want) {
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		t.Errorf("%s: %d anchors, its tree has %d; from number %d on:\n%v\n%v", page, len(got), len(want), i,
			got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
	}
}

// treeAnchors finds the anchors of a page and their texts in its tree.
func treeAnchors(t testing.TB, body string, page crawler.URL) []fetched.Reference {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(body), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	var all []fetched.Reference
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" || n.Namespace != "" || inTemplate(n) {
			continue
		}
		href, ok := attribute(n, "href")
		u, err := page.Base().Resolve(href)
		if !ok || err != nil {
			continue
		}
		rel, _ := attribute(n, "rel")
		var text strings.Builder
		treeText(&text, n)
		r := fetched.Reference{
			URL: u, Text: htmltok.Collapse(text.String(), maxAnchorText),
			Rel: htmltok.Collapse(strings.ToLower(rel), 0), NoFollow: htmltok.HasToken([]byte(rel), "nofollow"),
			Kind: "a",
		}
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

func inTemplate(n *html.Node) bool {
	for a := range n.Ancestors() {
		if a.Data == "template" && a.Namespace == "" {
			return true
		}
	}
	return false
}

func attribute(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val, true
		}
	}
	return "", false
}

// treeText writes the text in an element in the form of references.
func treeText(b *strings.Builder, n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		space := ""
		if c.Type == html.ElementNode && partsText([]byte(c.Data)) {
			space = " "
		}
		b.WriteString(space)
		switch {
		case c.Type == html.TextNode:
			b.WriteString(c.Data)
		case c.Type != html.ElementNode:
		case c.Namespace == "" && slices.Contains([]string{"script", "style", "noframes", "title", "template"}, c.Data):
		case c.Namespace == "" && c.Data == "img":
			alt, _ := attribute(c, "alt")
			b.WriteString(" " + alt + " ")
		default:
			treeText(b, c)
		}
		b.WriteString(space)
	}
}

// FuzzReferences generates pages whose elements are closed in order, and compares their
// anchors with those of the tree.
func FuzzReferences(f *testing.F) {
	f.Add([]byte("a1.x)b2.y"))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18})
	f.Add([]byte("\x00\x14\x10\x0b\x15\x0c\x15\x01\x12\x12\x12\x00\x13\x12"))
	p, err := New(Config{References: true})
	if err != nil {
		f.Fatal(err)
	}
	page, err := crawler.ParseURL("http://example.com/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		body := tidyPage(program)
		doc, err := p.Parse(context.Background(), htmlPage(page.String(), body))
		if err != nil {
			t.Fatal(err)
		}
		wantAnchors(t, body, doc.References, treeAnchors(t, body, page))
	})
}

// tidyPage generates a page from a program, in which each byte opens an element, closes
// the last one, or writes text.
func tidyPage(program []byte) string {
	var b strings.Builder
	b.WriteString("<!doctype html><body>")
	var open []string
	within := func(names ...string) bool {
		return slices.ContainsFunc(open, func(name string) bool { return slices.Contains(names, name) })
	}
	for i, op := range program[:min(len(program), 200)] {
		elements := []string{"a", "b", "div", "span", "svg", "template", "table", "noscript", "li", "em", "section",
			"font"}
		switch op := int(op) % 24; {
		case op < len(elements) && len(open) < 40:
			name := elements[op]
			// A nested anchor or item, and HTML within a drawing, are not in order.
			if within("svg") || (name == "a" || name == "li") && within(name) {
				continue
			}
			open = append(open, name)
			switch name {
			case "a":
				fmt.Fprintf(&b, "<a href=/%d rel='x%d'>", i, op)
			case "table":
				b.WriteString("<table><tbody><tr><td>")
			default:
				b.WriteString("<" + name + ">")
			}
		case op < 15 && len(open) > 0:
			name := open[len(open)-1]
			open = open[:len(open)-1]
			if name == "table" {
				name = "td></tr></tbody></table"
			}
			b.WriteString("</" + name + ">")
		case op == 15 && within("table") && open[len(open)-1] == "table":
			b.WriteString("</td><td>")
		case op == 16 && !within("svg"):
			fmt.Fprintf(&b, "<img alt='image %d'>", i)
		case op == 17 && !within("svg"):
			b.WriteString("<script>'<a href=/no>no</a>'</script>")
		case op == 18 && !within("svg"):
			b.WriteString("<br>")
		case op == 19:
			b.WriteString("<!-- a comment -->")
		default:
			fmt.Fprintf(&b, " word%d&amp;", i)
		}
	}
	for _, name := range slices.Backward(open) {
		if name == "table" {
			name = "td></tr></tbody></table"
		}
		b.WriteString("</" + name + ">")
	}
	return b.String()
}
