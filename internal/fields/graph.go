package fields

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/htmltok"
)

// dataKind is the syntax of structured data in a page.
type dataKind int

const (
	jsonLD dataKind = iota
	microdata
	kindsOfData
)

func (k dataKind) String() string { return [...]string{"JSON-LD", "microdata"}[k] }

// graph is the structured data of a page in the form of JSON, whatever the syntax.
type graph struct {
	work  *pageWork                 // work left for walking through it
	tops  []any                     // top-level values, in page order
	nodes []map[string]any          // objects with a type, each before those within it
	named map[string]map[string]any // objects by their @id
	bad   string                    // why the first invalid block is invalid; "" if all are valid
}

const (
	// maxNodes is how many objects of a page's data are used.
	maxNodes = 50_000
	// deepestData is how deeply they may be nested.
	deepestData = 64
)

// dataOf parses the structured data of one kind, once.
func (r *Reading) dataOf(kind dataKind, in scope) *graph {
	if r.data[kind] == nil {
		g := &graph{work: r.work, named: make(map[string]map[string]any)}
		if kind == jsonLD {
			g.readScripts(in.node)
		} else {
			g.readItems(r, in.node)
		}
		for _, top := range g.tops {
			g.index(top, 0)
		}
		r.data[kind] = g
	}
	return r.data[kind]
}

// index finds the nodes of a value.
func (g *graph) index(value any, depth int) {
	if depth > deepestData || len(g.nodes) >= maxNodes {
		return
	}
	switch v := value.(type) {
	case []any:
		for _, x := range v {
			g.index(x, depth+1)
		}
	case map[string]any:
		if v["@type"] != nil {
			g.nodes = append(g.nodes, v)
		}
		if id, ok := v["@id"].(string); ok && len(v) > 1 && g.named[id] == nil {
			g.named[id] = v
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			g.index(v[key], depth+1)
		}
	}
}

// ofType yields the nodes of a type; "*" is any type.
func (g *graph) ofType(name string) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, node := range g.nodes {
			if !g.work.spend(1) || (name == "*" || isA(node["@type"], name)) && !yield(node) {
				return
			}
		}
	}
}

// isA reports whether a type, or one type of a list, has this name within its vocabulary.
func isA(types any, name string) bool {
	switch t := types.(type) {
	case string:
		return localName(t) == name
	case []any:
		return slices.ContainsFunc(t, func(x any) bool { return isA(x, name) })
	}
	return false
}

// localName strips the vocabulary from a name: "https://schema.org/Product" and
// "schema:Product" become "Product".
func localName(name string) string { return name[strings.LastIndexAny(name, "/#:")+1:] }

// property returns a property of a node, or of the node that it refers to.
func (g *graph) property(node map[string]any, name string) (value any, ok bool) {
	if value, ok = node[name]; ok {
		return value, true
	}
	g.work.spend(int64(len(node)))
	for key, value := range node {
		if len(key) > len(name) && strings.HasSuffix(key, name) && localName(key) == name {
			return value, true
		}
	}
	if id, isRef := node["@id"].(string); isRef && len(node) == 1 && g.named[id] != nil {
		return g.property(g.named[id], name) // that node has more than an @id, so this ends
	}
	return nil, false
}

// objectSteps is how many steps an object costs on a path, in which a few names are looked up.
const objectSteps = 10

// walk yields the values at the end of a path from value. It returns false to stop.
func (g *graph) walk(value any, path []string, yield func(any) bool) bool {
	if !g.work.spend(1) { // references between a few objects can create very many paths
		return false
	}
	switch v := value.(type) {
	case nil:
		return true
	case []any:
		for _, x := range v {
			if !g.walk(x, path, yield) {
				return false
			}
		}
		return true
	case map[string]any:
		if !g.work.spend(objectSteps) {
			return false
		}
		for _, wrapper := range []string{"@list", "@set", "@value"} {
			if inner, ok := v[wrapper]; ok {
				return g.walk(inner, path, yield)
			}
		}
		if len(path) > 0 {
			next, _ := g.property(v, path[0])
			return g.walk(next, path[1:], yield)
		}
		if id, ok := v["@id"].(string); ok && len(v) == 1 && g.named[id] != nil {
			return yield(g.named[id])
		}
		return yield(v)
	}
	return len(path) > 0 || yield(value)
}

// inData is a path into the structured data of a page.
type inData struct {
	kind dataKind
	text string // as the job writes it
	path []string
}

func (p inData) find(r *Reading, in scope) iter.Seq[match] {
	return func(yield func(match) bool) {
		found := func(v any) bool { return r.ctx.Err() == nil && yield(match{data: v}) }
		if in.data != nil {
			r.data[p.kind].walk(in.data, p.path, found)
			return
		}
		g := r.dataOf(p.kind, in)
		if p.ofTop() {
			g.walk(g.tops, p.path, found)
			return
		}
		for node := range g.ofType(p.path[0]) {
			if !g.walk(node, p.path[1:], found) {
				return
			}
		}
	}
}

// ofTop reports whether the path begins with a property. Types begin with a capital
// letter.
func (p inData) ofTop() bool {
	first := p.path[0][0]
	return 'a' <= first && first <= 'z' || first == '@'
}

// none distinguishes a page without data from one whose data lacks the field.
func (p inData) none(r *Reading) string {
	g := r.data[p.kind]
	switch {
	case g == nil:
		return fmt.Sprintf("the page has no %s", p.kind)
	case g.bad != "":
		return fmt.Sprintf("its %s has no %s; not all of it can be read: %s", p.kind, p.text, g.bad)
	case len(g.tops) == 0:
		return fmt.Sprintf("the page has no %s", p.kind)
	case !p.ofTop() && p.path[0] != "*" && !g.has(p.path[0]):
		return fmt.Sprintf("its %s has no %s, but %s", p.kind, p.path[0], g.types())
	}
	return fmt.Sprintf("its %s has no %s", p.kind, p.text)
}

func (p inData) String() string { return strings.ToLower(p.kind.String()) + " " + p.text }

func (g *graph) has(name string) bool {
	for range g.ofType(name) {
		return true
	}
	return false
}

// types names the first types of the nodes, for a message.
func (g *graph) types() string {
	var names []string
	add := func(t any) {
		if s, ok := t.(string); ok && len(names) < 10 && !slices.Contains(names, htmltok.Quotable(localName(s))) {
			names = append(names, htmltok.Quotable(localName(s)))
		}
	}
	for _, node := range g.nodes {
		if list, ok := node["@type"].([]any); ok {
			for _, t := range list {
				add(t)
			}
		}
		add(node["@type"])
	}
	if len(names) == 0 {
		return "nothing with a type"
	}
	return strings.Join(names, ", ")
}

// plain returns data unchanged but cleaned.
func (r *Reading) plain(data any) (values []any, why string) {
	value, ok := r.tidy(data, 0)
	if !ok {
		return nil, fmt.Sprintf("it is nested more than %d deep, or too large", deepestData)
	}
	return []any{value}, ""
}

// tidy copies data with clean strings, and counts its size.
func (r *Reading) tidy(data any, depth int) (any, bool) {
	if depth > deepestData || !r.take(0) {
		return nil, false
	}
	switch v := data.(type) {
	case string:
		return htmltok.Clean(v), r.take(len(v))
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			var ok bool
			if list[i], ok = r.tidy(x, depth+1); !ok {
				return nil, false
			}
		}
		return list, true
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, x := range v {
			value, ok := r.tidy(x, depth+1)
			if !ok || !r.take(len(key)) {
				return nil, false
			}
			object[htmltok.Clean(key)] = value
		}
		return object, true
	}
	return data, true
}

// textOf returns the text of a data value. The text of an object is its name, or its URL
// if a URL is wanted.
func textOf(data any, want crawler.FieldType) (text, why string) {
	switch v := data.(type) {
	case string:
		return htmltok.Clean(v), ""
	case json.Number:
		return v.String(), ""
	case bool:
		return fmt.Sprint(v), ""
	case map[string]any:
		keys := []string{"name", "@id"}
		if want == crawler.TypeURL {
			keys = []string{"url", "contentUrl", "@id"}
		}
		for _, key := range keys {
			if s, ok := v[key].(string); ok {
				return htmltok.Clean(s), ""
			}
		}
		return "", "it is an object without " + strings.Join(keys, ", ")
	}
	return "", "it is not text"
}
