package parse

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// dataKind is how a page embeds structured data.
type dataKind int

const (
	jsonLD dataKind = iota
	microdata
	kindsOfData
)

func (k dataKind) String() string { return [...]string{"JSON-LD", "microdata"}[k] }

// graph is the structured data of a page as JSON has it, whichever way it is
// embedded.
type graph struct {
	tops  []any                     // what stands by itself, in the order of the page
	nodes []map[string]any          // all that has a type, each before what is within it
	named map[string]map[string]any // nodes by their @id
	bad   string                    // why the first block that can not be read can not; "" when all could
}

const (
	// mostNodes is how many objects of a page's data are looked at.
	mostNodes = 50_000
	// deepestData is how deeply they may be within one another.
	deepestData = 64
)

// dataOf reads the data that a page embeds in a way, once.
func (r *reading) dataOf(kind dataKind, in scope) *graph {
	if r.data[kind] == nil {
		g := &graph{named: make(map[string]map[string]any)}
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
	if depth > deepestData || len(g.nodes) >= mostNodes {
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

// ofType are the nodes of a type; "*" is any.
func (g *graph) ofType(name string) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, node := range g.nodes {
			if (name == "*" || isA(node["@type"], name)) && !yield(node) {
				return
			}
		}
	}
}

// isA reports whether a type, or one of a list, is of that name in its vocabulary.
func isA(types any, name string) bool {
	switch t := types.(type) {
	case string:
		return localName(t) == name
	case []any:
		return slices.ContainsFunc(t, func(x any) bool { return isA(x, name) })
	}
	return false
}

// localName drops the vocabulary from a name: "https://schema.org/Product" and
// "schema:Product" are "Product".
func localName(name string) string { return name[strings.LastIndexAny(name, "/#:")+1:] }

// property returns a property of a node, or of the node that it refers to.
func (g *graph) property(node map[string]any, name string) (value any, ok bool) {
	if value, ok = node[name]; ok {
		return value, true
	}
	for key, value := range node {
		if len(key) > len(name) && strings.HasSuffix(key, name) && localName(key) == name {
			return value, true
		}
	}
	if id, isRef := node["@id"].(string); isRef && len(node) == 1 && g.named[id] != nil {
		return g.property(g.named[id], name) // which has more than its @id
	}
	return nil, false
}

// walk yields the values at the end of a path from value, and reports whether to
// go on.
func (g *graph) walk(value any, path []string, yield func(any) bool) bool {
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
	text string // as the job has it
	path []string
}

func (p inData) find(r *reading, in scope) iter.Seq[match] {
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

// ofTop says that the path begins with a property: types begin with a capital.
func (p inData) ofTop() bool {
	first := p.path[0][0]
	return 'a' <= first && first <= 'z' || first == '@'
}

// none tells a page without data from one whose data has not what is looked for.
func (p inData) none(r *reading) string {
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

// types names the first types of the nodes, for a person.
func (g *graph) types() string {
	var names []string
	add := func(t any) {
		if s, ok := t.(string); ok && len(names) < 10 && !slices.Contains(names, quotable(localName(s))) {
			names = append(names, quotable(localName(s)))
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

// plain is data as it stands in the page.
func (r *reading) plain(data any) (values []any, why string) {
	value, ok := r.tidy(data, 0)
	if !ok {
		return nil, fmt.Sprintf("it is nested more than %d deep, or too large", deepestData)
	}
	return []any{value}, ""
}

// tidy copies data as text of ours, and takes room for it.
func (r *reading) tidy(data any, depth int) (any, bool) {
	if depth > deepestData || !r.take(0) {
		return nil, false
	}
	switch v := data.(type) {
	case string:
		return clean(v), r.take(len(v))
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
			object[clean(key)] = value
		}
		return object, true
	}
	return data, true
}

// textOf is the text of a value of data. That of an object is its name, or where a
// URL is asked for, its URL.
func textOf(data any, want crawler.FieldType) (text, why string) {
	switch v := data.(type) {
	case string:
		return clean(v), ""
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
				return clean(s), ""
			}
		}
		return "", "it is an object, which has no " + strings.Join(keys, ", ")
	}
	return "", "it is no text"
}
