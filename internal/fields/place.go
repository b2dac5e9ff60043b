package fields

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"golang.org/x/net/html"
)

// place is where in a page the values of a field may be.
type place interface {
	// find yields what is there, in page order. For a nested field it looks only within
	// in.
	find(r *Reading, in scope) iter.Seq[match]
	// none returns a message that nothing is there.
	none(r *Reading) string
	// String returns the name of the place as the job writes it.
	String() string
}

// scope is what a field is extracted from: the whole page at the top level, or one match
// of the enclosing field.
type scope struct {
	node *html.Node // an element, or the document
	data any        // a value of JSON-LD or microdata; nil for an element
}

// match is a value that a place has found: an element, a data value, or text.
type match struct {
	node *html.Node
	data any
	text string
}

// inElements finds the elements that a selector matches.
type inElements struct {
	css      string
	selector *selector
}

func (p inElements) find(r *Reading, in scope) iter.Seq[match] {
	return func(yield func(match) bool) {
		for n := range p.selector.find(r.work, in.node) {
			if !yield(match{node: n}) {
				return
			}
		}
	}
}

func (p inElements) none(*Reading) string { return "no element matches " + p.css }
func (p inElements) String() string       { return "css " + p.css }

// itself is the element of the enclosing field.
type itself struct{}

func (itself) find(_ *Reading, in scope) iter.Seq[match] {
	return func(yield func(match) bool) { yield(match{node: in.node}) }
}

func (itself) none(*Reading) string { return "" }
func (itself) String() string       { return "the element itself" }

// inMeta finds the <meta> elements with a name. Pages use the attributes property and
// name interchangeably, for Open Graph and for others.
type inMeta string

func (p inMeta) find(r *Reading, in scope) iter.Seq[match] {
	return func(yield func(match) bool) {
		for n := range in.node.Descendants() {
			if !r.work.spend(1) {
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

func (p inMeta) none(*Reading) string { return fmt.Sprintf("there is no <meta> %s", string(p)) }
func (p inMeta) String() string       { return "meta " + string(p) }

// written is the page's markup, including tags and scripts.
type written struct{}

// maxWritten is how many bytes of a page are searched with a regular expression.
const maxWritten = 8 << 20

func (written) find(r *Reading, _ scope) iter.Seq[match] {
	return func(yield func(match) bool) {
		text, _ := io.ReadAll(io.LimitReader(r.src.Reader(), maxWritten)) // cannot fail: the source is in memory
		yield(match{text: string(text)})
	}
}

func (written) none(*Reading) string { return "" }
func (written) String() string       { return "the page's markup" }

// attributeOf returns an attribute of an element.
func attributeOf(n *html.Node, name string) (value string, ok bool) {
	return namespacedAttribute(n, "", name)
}

// namespacedAttribute returns an attribute with a namespace, such as "xlink" "href" in
// SVG.
func namespacedAttribute(n *html.Node, namespace, name string) (value string, ok bool) {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == namespace {
			return a.Val, true
		}
	}
	return "", false
}
