package extract

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// webLinks resolves references against a URL.
type webLinks struct{ base *url.URL }

func (l webLinks) Link(ref string) (string, bool) {
	u, err := l.base.Parse(ref)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
		return "", false
	}
	return u.String(), true
}

var exampleLinks = webLinks{&url.URL{Scheme: "http", Host: "example.com", Path: "/dir/page"}}

func never() bool { return false }

func parsed(t testing.TB, page string) *html.Node {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// extracted extracts a page.
func extracted(t testing.TB, page string, extractors ...string) Content {
	t.Helper()
	e, err := New(Config{Text: true, Markdown: true, Metadata: true, Extractors: extractors})
	if err != nil {
		t.Fatal(err)
	}
	return e.Extract(parsed(t, page), exampleLinks, never)
}

// written writes the body of a page as Markdown.
func written(t testing.TB, body string) string {
	t.Helper()
	p := newPage(parsed(t, body))
	return markdownOf(choice{root: p.nodes[p.body].Node}, exampleLinks, never, MaxBytes)
}
