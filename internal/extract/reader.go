package extract

import (
	"context"
	"log/slog"
	"slices"
	"strconv"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
)

// Bounds of pages that readability reads. It looks at everything within each element, so it
// takes time in proportion to the length of the page times its depth. Of a thousand
// manuals of real software, the largest page has 109 MiB at a depth of 26.
const (
	maxDeep    = 128
	maxWeight  = 128 << 20 // sum of depth times bytes over all nodes
	nodeWeight = 32        // bytes that a node counts for in addition to its text
)

// tooHeavy reports whether a page is too deep or too long for readability.
func (p *page) tooHeavy() bool {
	weight := 0
	deep := make([]int32, len(p.nodes))
	for i := 1; i < len(p.nodes); i++ {
		deep[i] = deep[p.nodes[i].parent] + 1
		weight += int(deep[i]) * (nodeWeight + len(p.nodes[i].Data))
		if deep[i] > maxDeep || weight > maxWeight {
			return true
		}
	}
	return false
}

// copied is a copy of a page, for a library that modifies it, and copies it again. Each
// text has its index in an attribute, which such copies keep.
type copied struct{ root *html.Node }

// indexKey is the attribute of a text with its index in the page.
const indexKey = "index"

// indexOf returns the index of the text of which n is a copy. ok is false for a text that
// the library has made.
func indexOf(n *html.Node) (i int, ok bool) {
	if n.Type != html.TextNode || len(n.Attr) != 1 || n.Attr[0].Key != indexKey {
		return 0, false
	}
	i, err := strconv.Atoi(n.Attr[0].Val)
	return i, err == nil
}

// boxKey is the attribute of an empty text that stands for the box of a task list.
const boxKey = "box"

// copyOf copies a page without what is cut.
func (p *page) copyOf(gone cuts) copied {
	copies := make([]html.Node, len(p.nodes))
	for i := 0; i < len(p.nodes); {
		if gone != nil && gone[i] {
			i = int(p.nodes[i].end)
			continue
		}
		n, cp := &p.nodes[i], &copies[i]
		*cp = html.Node{Type: n.Type, DataAtom: n.DataAtom, Data: n.Data, Namespace: n.Namespace,
			Attr: slices.Clone(n.Attr)}
		switch {
		case isCheckbox(n.Node): // the library removes what one can fill in
			*cp = html.Node{Type: html.TextNode, Attr: []html.Attribute{{Key: boxKey, Val: boxOf(n.Node)}}}
		case n.Type == html.TextNode:
			cp.Attr = []html.Attribute{{Key: indexKey, Val: strconv.Itoa(i)}}
		}
		if i > 0 {
			copies[n.parent].AppendChild(cp)
		}
		i++
	}
	return copied{&copies[0]}
}

// read returns the element that readability takes for the main one, in the copy; nil if
// it finds none.
func (c copied) read(over func() bool) *html.Node {
	reader := readability.NewParser()
	reader.KeepClasses = true // they name the languages of code
	reader.Logger = slog.New(deadline{over})
	found, err := reader.ParseAndMutate(c.root, nil)
	if err != nil {
		return nil
	}
	return found.Node
}

// deadline is the slog.Handler of a library that takes no context. The library asks it
// again and again whether logging is enabled. It always says no, and panics to stop the
// library when the time is over.
type deadline struct{ over func() bool }

func (d deadline) Enabled(context.Context, slog.Level) bool {
	if d.over() {
		panic(ErrSlow)
	}
	return false
}

func (d deadline) Handle(context.Context, slog.Record) error { return nil }
func (d deadline) WithAttrs([]slog.Attr) slog.Handler        { return d }
func (d deadline) WithGroup(string) slog.Handler             { return d }
