package extract

import (
	"strings"

	"golang.org/x/net/html"
)

// isArticle reports whether a page says that it is an article: in its Open Graph
// properties, its JSON-LD, its microdata, or as the only entry with a microformat.
func (p *page) isArticle() bool {
	entries := 0
	for i := range p.nodes {
		n := &p.nodes[i]
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "meta":
			if isArticleProperty(n.Node) {
				return true
			}
		case "script":
			if n.FirstChild != nil && strings.Contains(strings.ToLower(attribute(n.Node, "type")), "ld+json") &&
				hasArticleType(n.FirstChild.Data) {
				return true
			}
		}
		if class := attribute(n.Node, "class"); strings.Contains(class, "entry") && isEntry(class) {
			entries++
		}
		if t := attribute(n.Node, "itemtype"); strings.HasSuffix(t, "Article") || strings.HasSuffix(t, "BlogPosting") {
			return true
		}
	}
	return entries == 1
}

// isEntry reports whether the classes say that an element is an entry of a blog or feed
// (microformats.org, hAtom and h-entry).
func isEntry(class string) bool {
	for one := range strings.FieldsSeq(class) {
		if one == "hentry" || one == "h-entry" {
			return true
		}
	}
	return false
}

// isArticleProperty reports whether a meta element says that the page is an article (The
// Open Graph protocol, "Article").
func isArticleProperty(n *html.Node) bool {
	name := strings.ToLower(attribute(n, "property") + attribute(n, "name"))
	return name == "og:type" && strings.HasPrefix(strings.ToLower(attribute(n, "content")), "article") ||
		strings.HasPrefix(name, "article:published") || name == "article:author" || name == "article:section"
}

var articleTypes = setOf("NewsArticle", "Article", "BlogPosting", "ReportageNewsArticle", "LiveBlogPosting",
	"Report", "TechArticle", "ScholarlyArticle")

// hasArticleType reports whether JSON-LD has an object of one of the types of articles.
// It looks at the text, so that JSON that is not quite right counts as well.
func hasArticleType(json string) bool {
	const space = " \t\r\n"
	for {
		_, rest, ok := strings.Cut(json, `"@type"`)
		if !ok {
			return false
		}
		json = rest
		if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, space), ":"); !ok {
			continue
		}
		rest = strings.TrimLeft(strings.TrimPrefix(strings.TrimLeft(rest, space), "["), space)
		if rest, ok = strings.CutPrefix(rest, `"`); !ok {
			continue
		}
		if name, _, ok := strings.Cut(rest, `"`); ok && articleTypes[name] {
			return true
		}
	}
}

// isManual reports whether an element has the marks of a manual, which articles have few
// of.
func (p *page) marksOfManual(i int, gone cuts) (marks int) {
	p.each(i, gone, func(j int) {
		if p.nodes[j].Type == html.ElementNode {
			switch p.nodes[j].Data {
			case "pre", "dt", "h2", "h3", "h4", "th":
				marks++
			}
		}
	})
	return marks
}
