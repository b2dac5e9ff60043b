package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// style says where inline text is written.
type style struct {
	oneLine bool // breaks become spaces, as in headings
	cell    bool // breaks become <br>, and pipes are escaped, as in tables
	strong  bool // all of it is strong
}

// token is a piece of inline Markdown.
type token struct {
	kind tokenKind
	text string // raw is written as it is; text is escaped
	pair int    // of a mark: the index of the other one
	off  bool   // of a mark: it cannot be parsed back, so it is left out
}

type tokenKind uint8

const (
	textToken  tokenKind = iota
	spaceToken           // white space
	rawToken             // Markdown, such as code
	openToken            // a mark of emphasis
	closeToken
	breakToken // a line break
)

// inliner makes the tokens of a run of inline nodes.
type inliner struct {
	*markdown
	style
	tokens []token
	size   int             // bytes of text and Markdown in the tokens, which String writes at least
	marks  map[string]bool // marks of emphasis that are open
	linked bool            // in a link
}

// inline returns a run of inline nodes as Markdown, without white space at its ends. Its
// line breaks are backslashes before line feeds.
func (w *markdown) inline(run []*html.Node, s style) string {
	in := inliner{markdown: w, style: s, marks: make(map[string]bool)}
	write := func() {
		for _, n := range run {
			in.node(n)
		}
	}
	switch {
	case w.href != "":
		in.link(w.href, write)
	case s.strong:
		in.emphasis("**", write)
	default:
		write()
	}
	return in.String()
}

func (in *inliner) add(kind tokenKind, text string) {
	in.tokens = append(in.tokens, token{kind: kind, text: text})
	if kind == textToken || kind == rawToken {
		in.size += len(text)
	}
}

// text adds text, with white space collapsed. It adds nothing to a run that is longer than
// all that may be written.
func (in *inliner) text(s string) {
	for s != "" && in.size < in.most {
		in.check()
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			in.add(textToken, s[:end])
			s = s[end:]
			continue
		}
		in.add(spaceToken, " ")
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
}

func (in *inliner) each(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		in.node(c)
	}
}

func (in *inliner) node(n *html.Node) {
	switch {
	case in.skip(n):
		return
	case n.Type == html.TextNode:
		if len(n.Attr) == 1 && n.Attr[0].Key == boxKey {
			in.box(n.Attr[0].Val)
		}
		in.text(n.Data)
		return
	case n.Type != html.ElementNode:
		return
	}
	if tex, block, ok := texOf(n); ok {
		in.math(tex, block)
		return
	}
	if hidden[n.Data] && !isCheckbox(n) || isRendered(n) {
		return
	}
	if in.full() {
		return
	}
	in.element(n)
}

func (in *inliner) element(n *html.Node) {
	switch n.Data {
	case "br":
		in.add(breakToken, "")
	case "wbr":
	case "img":
		in.image(n)
	case "input":
		in.checkbox(n)
	case "a":
		in.anchor(n)
	case "code", "tt", "kbd", "samp":
		in.code(n)
	case "em", "i", "var", "dfn", "cite":
		in.emphasis("*", func() { in.each(n) })
	case "strong", "b":
		in.emphasis("**", func() { in.each(n) })
	case "del", "s", "strike":
		in.emphasis("~~", func() { in.each(n) })
	case "q":
		in.add(textToken, "“")
		in.each(n)
		in.add(textToken, "”")
	case "rt":
		in.add(textToken, "(")
		in.each(n)
		in.add(textToken, ")")
	case "rp":
	default:
		in.nested(n)
	}
}

// nested adds the content of an element. A block, which may lie in a heading or a cell,
// is apart from what is around it.
func (in *inliner) nested(n *html.Node) {
	if !blocks[n.Data] {
		in.each(n)
		return
	}
	in.edge()
	if n.Data == "li" && in.cell {
		in.add(rawToken, "•")
		in.add(spaceToken, " ")
	}
	switch {
	case n.Data == "pre":
		in.codeLines(preText(n, in.skip))
	case n.Data == "hr":
	default:
		in.each(n)
	}
	in.edge()
}

// edge ends a line within a cell, or is a space elsewhere.
func (in *inliner) edge() {
	if in.cell {
		in.add(breakToken, "edge")
	} else {
		in.add(spaceToken, " ")
	}
}

// emphasis adds what write writes, between marks.
func (in *inliner) emphasis(mark string, write func()) {
	if in.marks[mark] {
		write()
		return
	}
	in.marks[mark] = true
	open, size := len(in.tokens), in.size
	in.add(openToken, mark)
	write()
	if in.size == size { // nothing is emphasized; checkMarks would take long to find many such marks
		in.tokens = append(in.tokens[:open], in.tokens[open+1:]...)
		in.marks[mark] = false
		return
	}
	in.tokens[open].pair = len(in.tokens)
	in.tokens = append(in.tokens, token{kind: closeToken, text: mark, pair: open})
	in.marks[mark] = false
}

// String writes the tokens.
func (in *inliner) String() string {
	in.settle()
	in.checkMarks()
	var b strings.Builder
	for i, t := range in.tokens {
		in.check()
		switch t.kind {
		case textToken:
			before, _ := utf8.DecodeLastRuneInString(b.String()[max(0, b.Len()-4):])
			b.WriteString(escapeText(t.text, before, in.first(i+1), in.cell))
		case openToken, closeToken:
			if !t.off {
				b.WriteString(t.text)
			}
		case breakToken:
			switch {
			case in.cell:
				b.WriteString("<br>")
			default:
				b.WriteString("\\\n")
			}
		default:
			b.WriteString(t.text)
		}
	}
	return strings.Trim(b.String(), " ")
}

// first returns the first character that token i and those after it write.
func (in *inliner) first(i int) rune {
	for ; i < len(in.tokens); i++ {
		t := in.tokens[i]
		switch {
		case t.off:
		case t.kind == breakToken:
			return '\n'
		default:
			r, _ := utf8.DecodeRuneInString(t.text)
			return r
		}
	}
	return ' '
}

// lastBefore returns the last character that the tokens before i write.
func (in *inliner) lastBefore(i int) rune {
	for i--; i >= 0; i-- {
		t := in.tokens[i]
		switch {
		case t.off:
		case t.kind == breakToken:
			return '\n'
		default:
			r, _ := utf8.DecodeLastRuneInString(t.text)
			return r
		}
	}
	return ' '
}

// settle removes white space and breaks that are not needed: at the ends, beside breaks,
// doubled, and directly within marks, where it would keep them from being marks.
func (in *inliner) settle() {
	in.moveSpace()
	out := in.tokens[:0]
	at := make([]int, len(in.tokens)) // new index of each token
	blank := true                     // nothing, a space or a break comes before
	broken := 2                       // how many breaks in a row come before; edges count once
	for i, t := range in.tokens {
		in.check()
		at[i] = len(out)
		switch t.kind {
		case spaceToken:
			if blank {
				continue
			}
			blank = true
		case breakToken:
			if in.oneLine {
				if !blank {
					out = append(out, token{kind: spaceToken, text: " "})
				}
				blank = true
				continue
			}
			if broken >= 2 || broken == 1 && t.text == "edge" || in.cell && broken == 1 {
				continue
			}
			if n := len(out); n > 0 && out[n-1].kind == spaceToken {
				out = out[:n-1]
				at[i] = n - 1
			}
			broken++
			blank = true
		case openToken, closeToken:
		default:
			blank, broken = false, 0
		}
		out = append(out, t)
	}
	for len(out) > 0 && (out[len(out)-1].kind == spaceToken || out[len(out)-1].kind == breakToken) {
		out = out[:len(out)-1]
	}
	for i := range out {
		if k := out[i].kind; k == openToken || k == closeToken {
			out[i].pair = at[out[i].pair]
		}
	}
	in.tokens = out
}

// moveSpace moves white space and breaks at the inner ends of marks to their outer side.
func (in *inliner) moveSpace() {
	white := func(i int) bool { return in.tokens[i].kind == spaceToken || in.tokens[i].kind == breakToken }
	swap := func(i, j int) { // neighbours
		in.tokens[i], in.tokens[j] = in.tokens[j], in.tokens[i]
		for _, k := range []int{i, j} {
			if t := in.tokens[k]; t.kind == openToken || t.kind == closeToken {
				in.tokens[t.pair].pair = k
			}
		}
	}
	for i := len(in.tokens) - 2; i >= 0; i-- { // open, space: space, open
		for j := i; j+1 < len(in.tokens) && in.tokens[j].kind == openToken && white(j+1); j++ {
			swap(j, j+1)
		}
	}
	for i := 1; i < len(in.tokens); i++ { // space, close: close, space
		for j := i; j > 0 && in.tokens[j].kind == closeToken && white(j-1); j-- {
			swap(j-1, j)
		}
	}
}
