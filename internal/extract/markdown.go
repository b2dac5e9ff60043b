package extract

import (
	"bytes"

	"golang.org/x/net/html"
)

// Links resolves the references of a page.
type Links interface {
	// Link returns the absolute URL of a reference, fragment included, if a link in
	// Markdown may have it: http, https and mailto. ok is false otherwise.
	Link(ref string) (url string, ok bool)
}

// markdown writes a tree as GitHub Flavored Markdown (GFM 0.29) that a parser reads back
// as the same blocks and words. What the page has beyond GFM becomes what is nearest: a
// definition list a bold term and its paragraphs, a table in a table its rows one after
// the other, a cell with blocks its lines with <br> between them.
//
// A block is written line by line. Each line begins with the prefix of the containers
// that it lies in, quotes and items of lists.
type markdown struct {
	out    []byte
	skip   func(*html.Node) bool
	links  Links
	over   func() bool
	most   int
	blocky map[*html.Node]bool // inline elements with blocks in them

	prefix []byte // of a line in the containers that are open
	lead   []byte // of the next line instead, if not nil: it has the mark of an item
	gap    int    // line feeds before the next line
	gapAt  []byte // the prefix of the empty line among them
	last   string // mark of the list that was written last in this container, or ""
	href   string // target of a link that has blocks in it, or ""
	notes  map[string]string
}

// markdownOf writes a choice as Markdown of up to most bytes. over is asked regularly
// whether the time is over: it panics with ErrSlow then.
func markdownOf(c choice, links Links, over func() bool, most int) string {
	w := markdown{skip: c.skip, links: links, over: over, most: most, blocky: make(map[*html.Node]bool)}
	w.findBlocks(c.root)
	w.notes = footnotesOf(c.root, w.skip)
	w.block(c.root)
	return string(bytes.TrimSpace(w.out))
}

// findBlocks marks the elements that have blocks in them.
func (w *markdown) findBlocks(root *html.Node) {
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || !blocks[n.Data] {
			continue
		}
		for p := n.Parent; p != nil && p != root && !w.blocky[p]; p = p.Parent {
			w.blocky[p] = true
		}
	}
}

// isBlock reports whether a node is written as blocks.
func (w *markdown) isBlock(n *html.Node) bool {
	return n.Type == html.ElementNode && (blocks[n.Data] || w.blocky[n])
}

// full reports whether no more is written.
func (w *markdown) full() bool {
	w.check()
	return len(w.out) >= w.most
}

// check panics with ErrSlow when the time is over.
func (w *markdown) check() {
	if w.over() {
		panic(ErrSlow)
	}
}

// part asks for line feeds before the next line: two for an empty line.
func (w *markdown) part(feeds int) {
	at := bytes.TrimRight(w.prefix, " ")
	if w.lead != nil {
		return // nothing was written in this container yet
	}
	if w.gap == 0 || len(at) < len(w.gapAt) {
		w.gapAt = append(w.gapAt[:0], at...)
	}
	w.gap = max(w.gap, feeds)
}

// line writes a line.
func (w *markdown) line(text string) {
	if len(w.out) > 0 {
		w.out = append(w.out, '\n')
		if w.gap > 1 {
			w.out = append(append(w.out, w.gapAt...), '\n')
		}
	}
	w.gap, w.gapAt = 0, w.gapAt[:0]
	start := w.prefix
	if w.lead != nil {
		start, w.lead = w.lead, nil
	}
	if text == "" {
		start = bytes.TrimRight(start, " ")
	}
	w.out = append(append(w.out, start...), text...)
}

// within writes a container: mark is what its first line begins with, and rest what the
// others do.
func (w *markdown) within(mark, rest string, write func()) {
	prefix, lead, last := w.prefix, w.lead, w.last
	start := prefix
	if lead != nil {
		start = lead
	}
	w.last = ""
	w.prefix = append(bytes.Clone(prefix), rest...)
	if mark != "" {
		w.lead = append(bytes.Clone(start), mark...)
	}
	write()
	w.prefix, w.last = prefix, last
	if w.lead != nil { // it was empty
		w.lead = lead
	}
}

// block writes the content of an element: runs of inline nodes as paragraphs, and the
// blocks among them.
func (w *markdown) block(n *html.Node) {
	var run []*html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case w.skip(c) || c.Type == html.ElementNode && hidden[c.Data] && !isTeX(c) && !isCheckbox(c):
		case w.isBlock(c) && !isMath(c):
			w.paragraphs(run)
			run = run[:0]
			if w.full() {
				return
			}
			w.element(c)
		case c.Type == html.TextNode || c.Type == html.ElementNode:
			run = append(run, c)
		}
	}
	w.paragraphs(run)
}

// element writes an element that is a block or has blocks in it.
func (w *markdown) element(n *html.Node) {
	switch n.Data {
	case "h1", "h2", "h3", "h4", "h5", "h6":
		w.heading(n)
		return
	case "pre":
		w.pre(n)
		return
	case "blockquote":
		w.part(2)
		w.within("> ", "> ", func() { w.block(n) })
		w.part(2)
	case "ul", "ol", "menu", "dir":
		w.list(n)
		return
	case "table":
		w.table(n)
		return
	case "hr":
		w.part(2)
		w.line("___")
		w.part(2)
	case "dt":
		w.term(n)
	case "a":
		href := w.href
		w.href = w.target(n)
		w.part(2)
		w.block(n)
		w.part(2)
		w.href = href
		return
	default:
		w.part(2)
		w.block(n)
		w.part(2)
	}
	w.last = ""
}

// heading writes a heading, whose text is one line.
func (w *markdown) heading(n *html.Node) {
	text := w.inline(children(n), style{oneLine: true})
	if text == "" {
		return
	}
	w.part(2)
	const marks = "######"
	w.line(marks[:n.Data[1]-'0'] + " " + escapeClosing(text))
	w.part(2)
	w.last = ""
}

// term writes the term of a definition list in bold, if it is a single line.
func (w *markdown) term(n *html.Node) {
	w.part(2)
	if w.blocky[n] {
		w.block(n)
	} else {
		w.paragraph(w.inline(children(n), style{strong: true}))
	}
	w.part(2)
}

// paragraphs writes a run of inline nodes. Two line breaks in a row end a paragraph.
func (w *markdown) paragraphs(run []*html.Node) {
	if len(run) == 0 {
		return
	}
	for _, text := range splitBreaks(w.inline(run, style{})) {
		w.part(2)
		w.paragraph(text)
		w.part(2)
		w.last = ""
	}
}

// paragraph writes the lines of a paragraph.
func (w *markdown) paragraph(text string) {
	for text != "" {
		one, rest, _ := cutLine(text)
		w.line(escapeStart(one))
		text = rest
	}
}

// children lists the child nodes.
func children(n *html.Node) []*html.Node {
	var all []*html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		all = append(all, c)
	}
	return all
}
