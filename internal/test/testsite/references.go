package testsite

import (
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// references returns the references of a page in a, area, frame, iframe, link rel=next and
// meta refresh, ignoring fragments, and the base URL: the page's own, or that of its
// first <base href>.
func references(page io.Reader, at *url.URL) (base *url.URL, found map[string]bool, err error) {
	text, err := charset.NewReader(page, "text/html")
	if err == io.EOF { // an empty file
		return at, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	tree, err := html.ParseWithOptions(text, html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, nil, err
	}
	found = make(map[string]bool)
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if to, ok := reference(n); ok {
			found[escape(to)] = true
		}
		if href, ok := attribute(n, "href"); ok && n.DataAtom == atom.Base && base == nil {
			base, _ = at.Parse(escape(href))
		}
	}
	if base == nil {
		base = at
	}
	return base, found, nil
}

// reference returns the reference of an element to a page, if it has one.
func reference(n *html.Node) (string, bool) {
	switch n.DataAtom {
	case atom.A, atom.Area:
		return attribute(n, "href")
	case atom.Frame, atom.Iframe:
		return attribute(n, "src")
	case atom.Link:
		rel, _ := attribute(n, "rel")
		if slices.Contains(strings.Fields(strings.ToLower(rel)), "next") {
			return attribute(n, "href")
		}
	case atom.Meta:
		if equiv, _ := attribute(n, "http-equiv"); strings.EqualFold(equiv, "refresh") {
			return refresh(n)
		}
	}
	return "", false
}

// refreshURL matches the content of a meta refresh that contains a URL (HTML Standard,
// "shared declarative refresh steps").
var refreshURL = regexp.MustCompile(`(?i)^\s*[\d.]+\s*[;,\s]\s*(?:url\s*=\s*)?(?:"([^"]*)|'([^']*)|(.+))`)

func refresh(n *html.Node) (string, bool) {
	content, _ := attribute(n, "content")
	m := refreshURL.FindStringSubmatch(content)
	if m == nil {
		return "", false
	}
	return m[1] + m[2] + m[3], true
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}
