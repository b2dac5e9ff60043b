package fields

import (
	"context"
	"fmt"
	"regexp"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Choice is the selector of a follow rule.
type Choice struct {
	rule     int // index among the job's rules
	match    *regexp.Regexp
	selector *selector
}

// Matches reports whether the rule is about a page with that URL.
func (c *Choice) Matches(url string) bool { return c.match == nil || c.match.MatchString(url) }

// CompileChoices compiles the selectors of follow rules. Rules without a selector accept
// links from anywhere in the page, which needs no tree.
func CompileChoices(follow []crawler.FollowRule) (all []Choice, err error) {
	if len(follow) > rules.MaxFollowRules {
		return nil, fmt.Errorf("follow_rules: there are %d: want at most %d", len(follow), rules.MaxFollowRules)
	}
	for i, r := range follow {
		if r.Links == "" {
			continue
		}
		at := fmt.Sprintf("follow_rules[%d]", i)
		c := Choice{rule: i}
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

// Choose marks the links of a document with the rules whose selectors match them. trouble
// says why none is marked if the page can have no tree.
func Choose(ctx context.Context, choices []*Choice, t *htmltree.Tree, doc *fetched.Document,
	res reference.Resolver) (trouble string) {
	root, trouble := t.Document(ctx)
	if trouble != "" {
		return "its links were not selected: " + trouble
	}
	m := marker{work: newPageWork(ctx, root), doc: doc, res: res, places: make(map[crawler.URL]int, len(doc.Links))}
	for i, l := range doc.Links {
		m.places[l.URL] = i
	}
	for _, c := range choices {
		selected := make(map[*html.Node]bool)
		for n := range c.selector.find(m.work, root) {
			selected[n] = true
		}
		m.mark(c, root, selected, false)
	}
	if m.work.spent() {
		return "not all of its links were selected: " + overworked
	}
	return ""
}

// marker marks links.
type marker struct {
	work   *pageWork
	doc    *fetched.Document
	res    reference.Resolver
	places map[crawler.URL]int // index in doc.Links
}

// mark visits the elements beneath n. within says that an enclosing element was selected.
func (m *marker) mark(c *Choice, n *html.Node, selected map[*html.Node]bool, within bool) {
	for child := range n.ChildNodes() {
		if child.Type != html.ElementNode {
			continue
		}
		if within || selected[child] {
			m.element(c, child, selected[child])
		}
		m.mark(c, child, selected, within || selected[child])
	}
}

// element marks the link of an element. A <link> can lead to things that are not pages,
// so it adds a link only if it is selected itself.
func (m *marker) element(c *Choice, n *html.Node, selected bool) {
	ref, ok := linkOf(n)
	if !ok {
		return
	}
	u, ok := m.res.URL(ref)
	if !ok {
		return
	}
	place, known := m.places[u]
	if !known {
		if n.Data == "link" && !selected || len(m.doc.Links) >= reference.MaxLinks {
			return
		}
		rel, _ := attributeOf(n, "rel")
		place = len(m.doc.Links)
		m.places[u] = place
		m.doc.Links = append(m.doc.Links, rules.Link{URL: u, NoFollow: htmltok.HasToken([]byte(rel), "nofollow")})
	}
	m.doc.Links[place].Rules = m.doc.Links[place].Rules.With(c.rule)
}

// linkOf returns the reference of an element that is a link.
func linkOf(n *html.Node) (ref string, ok bool) {
	switch {
	case n.Namespace == "svg" && n.Data == "a":
		if ref, ok = attributeOf(n, "href"); !ok { // SVG 2, 16.1.2
			ref, ok = namespacedAttribute(n, "xlink", "href")
		}
	case n.Namespace != "":
	case n.Data == "a", n.Data == "area", n.Data == "link":
		ref, ok = attributeOf(n, "href")
	case n.Data == "iframe", n.Data == "frame":
		ref, ok = attributeOf(n, "src")
	}
	return ref, ok
}
