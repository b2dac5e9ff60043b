package parse

import (
	"context"
	"fmt"
	"regexp"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
)

// choice is the selector of a follow rule.
type choice struct {
	rule     int // its place among the job's
	match    *regexp.Regexp
	selector cascadia.Selector
}

// compileChoices compiles the selectors of follow rules. Rules without one take
// links from anywhere, which needs no tree.
func compileChoices(rules []crawler.FollowRule) (all []choice, err error) {
	if len(rules) > crawler.MostFollowRules {
		return nil, fmt.Errorf("follow_rules: there are %d: want at most %d", len(rules), crawler.MostFollowRules)
	}
	for i, r := range rules {
		if r.Links == "" {
			continue
		}
		at := fmt.Sprintf("follow_rules[%d]", i)
		c := choice{rule: i}
		if c.match, err = compilePattern(at+".match", r.Match); err != nil {
			return nil, err
		}
		if c.selector, err = compileSelector(at+".links", r.Links); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// choose marks the links of a document by the rules whose selector they are found
// with. trouble says why none is when the page can have no tree.
func choose(ctx context.Context, choices []*choice, t *tree, doc *crawler.Document, res resolver) (trouble string) {
	root, trouble := t.document(ctx)
	if trouble != "" {
		return "its links were not selected: " + trouble
	}
	m := marker{ctx: ctx, doc: doc, res: res, places: make(map[crawler.URL]int, len(doc.Links))}
	for i, l := range doc.Links {
		m.places[l.URL] = i
	}
	for _, c := range choices {
		m.mark(c, root, false)
	}
	return ""
}

// marker marks links.
type marker struct {
	ctx    context.Context
	doc    *crawler.Document
	res    resolver
	places map[crawler.URL]int // in doc.Links
}

// mark goes through the elements beneath n. within says that one around them was
// selected.
func (m *marker) mark(c *choice, n *html.Node, within bool) {
	for child := range n.ChildNodes() {
		if child.Type != html.ElementNode || m.ctx.Err() != nil {
			continue
		}
		selected := c.selector.Match(child)
		if within || selected {
			m.element(c, child, selected)
		}
		m.mark(c, child, within || selected)
	}
}

// element marks the link of an element. A <link>, which leads to pages and to other
// things, adds one only if it is selected itself.
func (m *marker) element(c *choice, n *html.Node, selected bool) {
	attribute := ""
	switch n.Data {
	case "a", "area", "link":
		attribute = "href"
	case "iframe", "frame":
		attribute = "src"
	}
	ref, ok := attributeOf(n, attribute)
	if !ok || n.Namespace != "" {
		return
	}
	u, ok := m.res.url(ref)
	if !ok {
		return
	}
	place, known := m.places[u]
	if !known {
		if n.Data == "link" && !selected || len(m.doc.Links) >= mostLinks {
			return
		}
		rel, _ := attributeOf(n, "rel")
		place = len(m.doc.Links)
		m.places[u] = place
		m.doc.Links = append(m.doc.Links, crawler.Link{URL: u, NoFollow: hasToken([]byte(rel), "nofollow")})
	}
	m.doc.Links[place].Rules = m.doc.Links[place].Rules.With(c.rule)
}
