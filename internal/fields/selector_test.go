package fields

import (
	"fmt"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// selectors are of all kinds that are supported.
var selectors = []string{
	"a", "*", ".x", "#i", "[href]", "[href='a, b > c']", `[title="]"]`, "p a", "p>a", "p > a , div", "p + p", "h1~p",
	"div div div", "div * a", "ul > li + li ~ li a",
	"li:first-child", "li:nth-child(2n+1) a", "li:nth-last-child(2)", "p:only-child", "div:has(a)", "div:has(> a, p b)",
	"div:has(p):not(.x) a", "p:contains('two words')", "p:containsOwn(b)",
	"p:matches(^t.o)", "a:not(p a)", ":root", ":root > body", "div:haschild(p)", "p:empty", "a:not([href]):not(.y)",
	"body a.x.y[href^='/']#i", "/* p */ a /* , */, b", `.\31 x`, "p\n\t>\n a", "div:has(div:has(a))",
	"tr td:nth-of-type(2)", "svg a", "*:not(:has(*))", "section :is", "a:has(b",
}

func TestSelectorsFindWhatTheyFitInTheOrderOfThePage(t *testing.T) {
	t.Parallel()
	pages := []string{
		`<div class=x><p>two words<a href="a, b > c" title="]">x</a></p><p id=i><a class="x y" href=/z id=i>z</a><b></b></p><p></p></div><div><div><div><a>q</a></div></div></div>`,
		`<h1>h</h1><p>1<p>2<ul><li>a<li><a>b</a><li><ul><li>c<li><a class=1x>d</a></ul><li><a>e</a></ul><table><tr><td>1<td>2<tr><td><a>3</a></table><svg><a href=/s></a></svg>`,
		``, `<p>`,
	}
	for _, css := range selectors {
		reference, failed := cascadia.Compile(css)
		s, err := newSelector(css)
		if (err == nil) != (failed == nil) {
			t.Errorf("%s is a selector: %v, want %v", css, err, failed)
		}
		if err != nil {
			continue
		}
		for _, page := range pages {
			root, err := html.Parse(strings.NewReader(page))
			if err != nil {
				t.Fatal(err)
			}
			scopes := []*html.Node{root}
			for n := range root.Descendants() {
				if n.Type == html.ElementNode {
					scopes = append(scopes, n)
				}
			}
			for _, scope := range scopes {
				var want, got []*html.Node
				for n := range scope.Descendants() {
					if reference.Match(n) {
						want = append(want, n)
					}
				}
				for n := range s.find(newPageWork(t.Context(), root), scope) {
					got = append(got, n)
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s finds %d elements in <%s> of %q, want %d", css, len(got), scope.Data, page, len(want))
				}
			}
		}
	}
}

// Each of these would take a backtracking matcher minutes, or forever.
func FuzzSelector(f *testing.F) {
	for _, css := range selectors {
		f.Add(css)
	}
	root, err := html.Parse(strings.NewReader(`<div class=x><p>a<a href=/b id=c>d</a><ul><li>e<li><b>f</b></ul></div><p>`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, css string) {
		if len(css) > 200 {
			return
		}
		reference, failed := cascadia.Compile(css)
		s, err := newSelector(css)
		if failed != nil || err != nil {
			return
		}
		var want, got []*html.Node
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && reference.Match(n) {
				want = append(want, n)
			}
		}
		for n := range s.find(newPageWork(t.Context(), root), root) {
			got = append(got, n)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q finds %v, want %v", css, got, want)
		}
	})
}
