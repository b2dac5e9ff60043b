package extract

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// clean cuts out of an element what is around the main text wherever the page says so
// itself: by elements, roles, or the names of classes. It never cuts most of the text.
func (p *page) clean(at int) cuts {
	gone := make(cuts, len(p.nodes))
	c := cleaner{page: p, sums: p.sum(nil), at: at}
	c.total = p.in(c.sums.letters, at)
	top := p.nodes[at]
	c.inMain = top.Data == "main" || top.Data == "article" || attribute(top.Node, "role") == "main"
	for i := at + 1; i < int(top.end); {
		if gone[i] = c.cut(i); gone[i] {
			i = int(p.nodes[i].end)
		} else {
			i++
		}
	}
	return gone
}

type cleaner struct {
	*page
	sums   *sums
	at     int
	total  int  // letters
	inMain bool // the element is the main one by its own mark
}

// cut reports whether a node is left out.
func (c *cleaner) cut(i int) bool {
	n := &c.nodes[i]
	if n.Type != html.ElementNode {
		return n.Type != html.TextNode
	}
	if hidden[n.Data] {
		return !isCheckbox(n.Node) && !isTeX(n.Node)
	}
	letters := c.in(c.sums.letters, i)
	if isHidden(n.Node) {
		return letters*3 < c.total
	}
	role := attribute(n.Node, "role")
	switch {
	case n.Data == "nav" || role == "navigation":
		return c.total-letters > 100
	case n.Data == "dialog", n.Data == "aside" && !c.inMain, aroundRoles[role]:
	case (n.Data == "header" || n.Data == "footer") && !c.inMain && !c.ofSection(i):
	case keptAnyway[n.Data] || !namesAround(n.Node, c.inMain):
		return false
	}
	return letters*2 < c.total
}

// ofSection reports whether a header or footer is that of a section, not of the page
// (HTML Accessibility API Mappings, "header").
func (c *cleaner) ofSection(i int) bool {
	for j := int(c.nodes[i].parent); j > 0; j = int(c.nodes[j].parent) {
		switch c.nodes[j].Data {
		case "section", "article", "main":
			return true
		}
	}
	return false
}

func isHidden(n *html.Node) bool {
	return hasAttribute(n, "hidden") || n.Data != "img" && attribute(n, "aria-hidden") == "true"
}

// aroundRoles are the landmarks that are not the main text (WAI-ARIA 1.2, 5.3.4).
var aroundRoles = setOf("banner", "contentinfo", "search", "complementary", "dialog")

// keptAnyway are elements whose class does not say that they are around the text.
var keptAnyway = setOf("body", "article", "a", "code", "pre", "span", "section")

// aroundNames are parts of class names and IDs of what is around a text.
var aroundNames = setOf("nav", "navbar", "navigation", "navheader", "navfooter", "menu", "sidebar", "footer",
	"breadcrumb", "breadcrumbs", "skiplink", "skipnav", "cookie", "cookies", "consent", "share",
	"sharing", "social", "related", "newsletter", "subscribe", "promo", "advert", "ad", "ads", "banner", "tocnav",
	"searchbox", "pagination", "pager", "noprint", "copyright")

// aroundPrefixes may stand directly before such a name.
var aroundPrefixes = []string{"nav", "page", "site", "main", "skip"}

// namesAround reports whether a class or the ID of an element says that it is around the
// text. Within the main element, what is related may be part of the text.
func namesAround(n *html.Node, inMain bool) bool {
	for _, a := range n.Attr {
		if a.Key != "class" && a.Key != "id" {
			continue
		}
		value := strings.ToLower(a.Val)
		for part := range strings.FieldsFuncSeq(value, betweenNames) {
			if aroundNames[part] && !(inMain && part == "related") {
				return true
			}
			for _, before := range aroundPrefixes {
				if rest, ok := strings.CutPrefix(part, before); ok && aroundNames[rest] {
					return true
				}
			}
		}
		if strings.Contains(value, "skip-link") || strings.Contains(value, "skip-nav") ||
			strings.Contains(value, "toc-nav") {
			return true
		}
	}
	return false
}

func betweenNames(r rune) bool { return strings.ContainsRune("-_ \t\n\r\f", r) }

// popupNames are parts of the classes of what is shown only when a reader points at a
// word, in the middle of a line.
var popupNames = []string{"rollover", "tooltip", "popover", "popup"}

// popups cuts what is shown only when a reader points at something: elements with such
// classes in a line of text.
func (p *page) popups() cuts {
	gone := make(cuts, len(p.nodes))
	s := p.sum(nil)
	for i := len(p.nodes) - 1; i > 0; i-- { // the innermost first: an outer one may begin with the word itself
		n := &p.nodes[i]
		if n.Type == html.ElementNode && n.Data != "a" && n.Data != "body" &&
			containsAny(attribute(n.Node, "class"), popupNames) && p.in(s.links, i) > 1 && p.inLine(i) &&
			!slices.Contains(gone[i:n.end], true) {
			gone[i] = true
		}
	}
	return gone
}

// inLine reports whether an element lies in a paragraph.
func (p *page) inLine(i int) bool {
	for j := int(p.nodes[i].parent); j > 0; j = int(p.nodes[j].parent) {
		switch p.nodes[j].Data {
		case "p", "span", "a", "em", "strong", "b", "i":
			return true
		case "div", "section", "article", "main", "body", "td", "li":
			return false
		}
	}
	return false
}
