package extract

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// textWriter writes the text of a tree, as a browser would copy it: blocks are apart by
// line feeds, cells by tabs.
type textWriter struct {
	b     []byte
	skip  func(*html.Node) bool
	feeds int  // line feeds that are due before the next word
	space byte // a space or tab that is due, or 0
	over  func() bool
	most  int
}

// plainText returns the text of a choice.
func plainText(c choice, over func() bool, most int) string {
	w := textWriter{skip: c.skip, over: over, most: most}
	w.children(c.root, false)
	return strings.TrimSpace(string(w.b))
}

func (w *textWriter) feed(n int) {
	w.feeds = max(w.feeds, n)
	w.space = 0
}

// due writes the white space that is due.
func (w *textWriter) due() {
	if len(w.b) > 0 {
		for range w.feeds {
			w.b = append(w.b, '\n')
		}
		if w.feeds == 0 && w.space != 0 {
			w.b = append(w.b, w.space)
		}
	}
	w.feeds, w.space = 0, 0
}

func (w *textWriter) text(s string) {
	for s != "" && len(w.b) < w.most {
		if w.over() {
			panic(ErrSlow)
		}
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			w.due()
			w.b = append(w.b, s[:end]...)
			s = s[end:]
			continue
		}
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if w.space == 0 {
			w.space = ' '
		}
	}
}

func (w *textWriter) verbatim(s string) {
	if s != "" {
		w.due()
		w.b = append(w.b, s...)
	}
}

func (w *textWriter) children(n *html.Node, pre bool) {
	for c := n.FirstChild; c != nil && len(w.b) < w.most; c = c.NextSibling {
		switch {
		case w.skip(c):
		case c.Type == html.TextNode && pre:
			w.verbatim(c.Data)
		case c.Type == html.TextNode:
			w.text(c.Data)
		case c.Type == html.ElementNode && (!hidden[c.Data] || isTeX(c)):
			w.element(c, pre)
		}
	}
}

// spaced are blocks with an empty line around them.
var spaced = setOf("p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "hr")

func (w *textWriter) element(n *html.Node, pre bool) {
	if w.over() {
		panic(ErrSlow)
	}
	if tex, _, ok := texOf(n); ok {
		w.text(tex)
		return
	}
	if isRendered(n) {
		return
	}
	switch {
	case n.Data == "br" && pre:
		w.verbatim("\n")
	case n.Data == "br":
		w.feeds = min(w.feeds+1, 2)
		w.space = 0
	case n.Data == "td" || n.Data == "th":
		if w.feeds == 0 {
			w.space = '\t'
		}
		w.children(n, pre)
		w.space = '\t'
	case blocks[n.Data]:
		feeds := 1
		if spaced[n.Data] {
			feeds = 2
		}
		w.feed(feeds)
		w.children(n, pre || n.Data == "pre")
		w.feed(feeds)
	default:
		w.children(n, pre)
	}
}
