package parse

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// place is where in a page the values of a field may be.
type place interface {
	// find yields what is there, in the order of the page. Within a field it looks
	// no further than in.
	find(r *reading, in scope) iter.Seq[match]
	// none says, for a person, that nothing is there.
	none(r *reading) string
	// String is how the job names the place.
	String() string
}

// scope is what a field is read from: the whole page at the top, and one match of
// a field for its own fields.
type scope struct {
	node *html.Node // an element, or the document
	data any        // a value of JSON-LD or microdata; nil for an element
}

// match is one that a place has found: an element, a value of data, or text.
type match struct {
	node *html.Node
	data any
	text string
}

// inElements are the elements that a selector fits.
type inElements struct {
	css      string
	selector cascadia.Selector
}

func (p inElements) find(r *reading, in scope) iter.Seq[match] {
	return func(yield func(match) bool) {
		for n := range in.node.Descendants() {
			if r.ctx.Err() != nil || p.selector.Match(n) && !yield(match{node: n}) {
				return
			}
		}
	}
}

func (p inElements) none(*reading) string { return "no element matches " + p.css }
func (p inElements) String() string       { return "css " + p.css }

// itself is the element that the field is a field of.
type itself struct{}

func (itself) find(_ *reading, in scope) iter.Seq[match] {
	return func(yield func(match) bool) { yield(match{node: in.node}) }
}

func (itself) none(*reading) string { return "" }
func (itself) String() string       { return "the element itself" }

// inMeta are the <meta> elements of a name. Pages write Open Graph's property, and
// others', in either attribute.
type inMeta string

func (p inMeta) find(r *reading, in scope) iter.Seq[match] {
	return func(yield func(match) bool) {
		for n := range in.node.Descendants() {
			if r.ctx.Err() != nil {
				return
			}
			if n.Type != html.ElementNode || n.Data != "meta" {
				continue
			}
			content, ok := attributeOf(n, "content")
			if ok && p.names(n) && !yield(match{text: content}) {
				return
			}
		}
	}
}

// names reports whether the element has the name.
func (p inMeta) names(meta *html.Node) bool {
	for _, key := range []string{"property", "name"} {
		if value, ok := attributeOf(meta, key); ok && strings.EqualFold(strings.TrimSpace(value), string(p)) {
			return true
		}
	}
	return false
}

func (p inMeta) none(*reading) string { return fmt.Sprintf("there is no <meta> %s", string(p)) }
func (p inMeta) String() string       { return "meta " + string(p) }

// written is the page as it is written, tags, scripts and all.
type written struct{}

// mostWritten is how many bytes of a page a regular expression is looked for in.
const mostWritten = 8 << 20

func (written) find(r *reading, _ scope) iter.Seq[match] {
	return func(yield func(match) bool) {
		text, _ := io.ReadAll(io.LimitReader(r.src.reader(), mostWritten)) // of what is in memory: it does not fail
		yield(match{text: string(text)})
	}
}

func (written) none(*reading) string { return "" }
func (written) String() string       { return "the page's markup" }

// attributeOf returns an attribute of an element.
func attributeOf(n *html.Node, name string) (value string, ok bool) {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val, true
		}
	}
	return "", false
}
