package parse

import (
	"strings"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// readItems reads the microdata of a page as JSON-LD would have it (HTML, 5.5,
// "converting HTML to other formats: JSON"): an item is an object, its type is
// @type, its global identifier @id, and each property a list.
func (g *graph) readItems(r *reading, root *html.Node) {
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

// items reads items.
type items struct {
	r     *reading
	ids   map[string]*html.Node
	count int
}

// item reads one item, which is so deep in others.
func (m *items) item(n *html.Node, depth int) map[string]any {
	item := make(map[string]any)
	if types, ok := attributeOf(n, "itemtype"); ok {
		var list []any
		for t := range strings.FieldsSeq(types) {
			list = append(list, clean(t))
		}
		item["@type"] = list
	}
	if id, ok := attributeOf(n, "itemid"); ok {
		item["@id"] = m.r.res.reference(id)
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

// properties adds to an item the properties beneath an element.
func (m *items) properties(item map[string]any, n *html.Node, depth int) {
	for c := range n.ChildNodes() {
		m.element(item, c, depth)
	}
}

// element adds what an element, and what is beneath it, say of an item. Items that
// refer to one another in a circle end at some depth.
func (m *items) element(item map[string]any, n *html.Node, depth int) {
	if n.Type != html.ElementNode || depth > deepestData || m.count > mostNodes || m.r.ctx.Err() != nil {
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

// value is that of an element (HTML, 5.2.4, "values"). A content attribute goes
// before all else: pages have it on other elements than <meta>, and search engines
// read it there.
func (m *items) value(n *html.Node) string {
	if content, ok := attributeOf(n, "content"); ok {
		return clean(content)
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
		return clean(value)
	case "time":
		if when, ok := attributeOf(n, "datetime"); ok {
			return clean(when)
		}
	}
	text := goquery.NewDocumentFromNode(n).Text()
	if !m.r.take(len(text)) {
		return ""
	}
	return collapse(text, 0)
}

func (m *items) url(n *html.Node, attribute string) string {
	ref, ok := attributeOf(n, attribute)
	if !ok {
		return ""
	}
	return m.r.res.reference(ref)
}
