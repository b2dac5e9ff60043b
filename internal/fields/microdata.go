package fields

import (
	"strings"

	"github.com/PuerkitoBio/goquery"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"golang.org/x/net/html"
)

// readItems converts the microdata of a page to the form of JSON-LD (HTML, 5.5,
// "converting HTML to other formats: JSON"): an item is an object, its type is @type, its
// global identifier is @id, and each property is a list.
func (g *graph) readItems(r *Reading, root *html.Node) {
	m := items{r: r, ids: make(map[string]*html.Node)}
	for n := range root.Descendants() {
		if id, ok := attributeOf(n, "id"); ok && m.ids[id] == nil {
			m.ids[id] = n
		}
	}
	for n := range root.Descendants() {
		if r.ctx.Err() != nil {
			return
		}
		_, isItem := attributeOf(n, "itemscope")
		_, isProperty := attributeOf(n, "itemprop")
		if isItem && !isProperty {
			g.tops = append(g.tops, m.item(n, 0))
		}
	}
}

// items converts items.
type items struct {
	r     *Reading
	ids   map[string]*html.Node
	count int
}

// item converts one item. depth is how deeply it is nested in others.
func (m *items) item(n *html.Node, depth int) map[string]any {
	item := make(map[string]any)
	if types, ok := attributeOf(n, "itemtype"); ok {
		var list []any
		for t := range strings.FieldsSeq(types) {
			list = append(list, htmltok.Clean(t))
		}
		item["@type"] = list
	}
	if id, ok := attributeOf(n, "itemid"); ok {
		item["@id"] = m.r.res.Reference(id)
	}
	m.properties(item, n, depth)
	refs, _ := attributeOf(n, "itemref")
	for id := range strings.FieldsSeq(refs) {
		if other := m.ids[id]; other != nil {
			m.element(item, other, depth)
		}
	}
	return item
}

// properties adds the properties beneath an element to an item.
func (m *items) properties(item map[string]any, n *html.Node, depth int) {
	for c := range n.ChildNodes() {
		m.element(item, c, depth)
	}
}

// element adds the properties of an element, and of those beneath it, to an item. The
// depth limit ends cycles of items that refer to one another.
func (m *items) element(item map[string]any, n *html.Node, depth int) {
	if n.Type != html.ElementNode || depth > deepestData || m.count > maxNodes || m.r.ctx.Err() != nil {
		return
	}
	names, isProperty := attributeOf(n, "itemprop")
	_, isItem := attributeOf(n, "itemscope")
	if isProperty {
		m.count++
		var value any
		if isItem {
			value = m.item(n, depth+1)
		} else {
			value = m.value(n)
		}
		for name := range strings.FieldsSeq(names) {
			list, _ := item[name].([]any)
			item[name] = append(list, value)
		}
	}
	if !isItem {
		m.properties(item, n, depth)
	}
}

// value returns the value of an element (HTML, 5.2.4, "values"). A content attribute
// takes precedence: pages use it on other elements than <meta>, and search engines accept
// that.
func (m *items) value(n *html.Node) string {
	if content, ok := attributeOf(n, "content"); ok {
		return htmltok.Clean(content)
	}
	switch n.Data {
	case "a", "area", "link":
		return m.url(n, "href")
	case "audio", "embed", "iframe", "img", "source", "track", "video":
		return m.url(n, "src")
	case "object":
		return m.url(n, "data")
	case "data", "meter":
		value, _ := attributeOf(n, "value")
		return htmltok.Clean(value)
	case "time":
		if when, ok := attributeOf(n, "datetime"); ok {
			return htmltok.Clean(when)
		}
	}
	text := goquery.NewDocumentFromNode(n).Text()
	if !m.r.take(len(text)) {
		return ""
	}
	return htmltok.Collapse(text, 0)
}

func (m *items) url(n *html.Node, attribute string) string {
	ref, ok := attributeOf(n, attribute)
	if !ok {
		return ""
	}
	return m.r.res.Reference(ref)
}
