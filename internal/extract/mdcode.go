package extract

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// pre writes a block of code, verbatim, between fences.
func (w *markdown) pre(n *html.Node) {
	text := strings.TrimSuffix(preText(n, w.skip), "\n")
	if strings.TrimSpace(text) == "" {
		return
	}
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	w.part(2)
	w.line(fence + languageOf(n))
	w.part(1)
	for line := range strings.SplitSeq(text, "\n") {
		if w.full() {
			break
		}
		w.line(line)
	}
	w.line(fence)
	w.part(2)
	w.last = ""
}

// preText returns the text of an element as it is written, with line feeds for breaks and
// between blocks.
func preText(n *html.Node, skip func(*html.Node) bool) string {
	var b strings.Builder
	var visit func(n *html.Node)
	visit = func(n *html.Node) {
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			switch {
			case skip(c):
			case c.Type == html.TextNode:
				b.WriteString(c.Data)
			case c.Type != html.ElementNode || hidden[c.Data] || isLineNumber(c):
			case c.Data == "br":
				b.WriteByte('\n')
			case blocks[c.Data] && c.Data != "td" && c.Data != "th":
				if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
					b.WriteByte('\n')
				}
				visit(c)
				if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") && c.NextSibling != nil {
					b.WriteByte('\n')
				}
			default:
				visit(c)
			}
		}
	}
	visit(n)
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), "\r\n", "\n"), "\r", "\n")
}

// isLineNumber reports whether an element has the number of a line of code, as Pygments
// and Rouge name it.
func isLineNumber(n *html.Node) bool {
	class := attribute(n, "class")
	return class != "" && slices.ContainsFunc(strings.Fields(class), func(one string) bool {
		return one == "lineno" || one == "linenos" || one == "line-number" || one == "line-numbers" || one == "gutter"
	})
}

// longestRun returns the length of the longest run of a byte in a text.
func longestRun(s string, c byte) (longest int) {
	run := 0
	for i := range len(s) {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// codeSpan returns a text as inline code, without white space at its ends.
func codeSpan(text string, cell bool) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	marks := strings.Repeat("`", longestRun(text, '`')+1)
	if text[0] == '`' || text[len(text)-1] == '`' {
		text = " " + text + " "
	}
	if cell {
		text = strings.ReplaceAll(text, "|", "\\|")
	}
	return marks + text + marks
}

// code adds inline code. A link in it that is all of it becomes a link with code.
func (in *inliner) code(n *html.Node) {
	text := preText(n, in.skip)
	span := codeSpan(text, in.cell)
	if span == "" {
		in.text(text)
		return
	}
	write := func() {
		in.spaceIf(text, true)
		in.add(rawToken, span)
		in.spaceIf(text, false)
	}
	if a := onlyLink(n); a != nil && !in.linked {
		if href := in.target(a); href != "" {
			in.link(href, write)
			return
		}
	}
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && c.Data == "img" {
			defer in.image(c)
		}
	}
	write()
}

// spaceIf adds a space if a text has one at that end.
func (in *inliner) spaceIf(text string, start bool) {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	if !start {
		trimmed = strings.TrimRight(text, " \t\r\n")
	}
	if trimmed != text {
		in.add(spaceToken, " ")
	}
}

// onlyLink returns the link that is all of the content of an element, or nil.
func onlyLink(n *html.Node) (link *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode && strings.TrimSpace(c.Data) == "", c.Type == html.CommentNode:
		case c.Type != html.ElementNode || link != nil:
			return nil
		case c.Data == "a":
			link = c
		default:
			if link = onlyLink(c); link == nil {
				return nil
			}
		}
	}
	return link
}

// codeLines adds the lines of a block of code where only inline text may be.
func (in *inliner) codeLines(text string) {
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		in.edge()
		if span := codeSpan(line, in.cell); span != "" {
			in.add(rawToken, span)
		}
	}
	in.edge()
}

// languageOf returns the language of a block of code, as the classes of its elements
// name it, or "".
func languageOf(n *html.Node) string {
	if code := onlyElement(n); code != nil && code.Data == "code" {
		if l := languageIn(code); l != "" {
			return l
		}
	}
	for p, up := n, 0; p != nil && up < 4 && p.Type == html.ElementNode && p.Data != "body"; p, up = p.Parent, up+1 {
		if l := languageIn(p); l != "" {
			return l
		}
		if p.Parent != nil && up > 0 && p.Parent.FirstChild != p.Parent.LastChild && onlyElement(p.Parent) == nil {
			break
		}
	}
	return ""
}

// onlyElement returns the element that is all of the content of n besides white space.
func onlyElement(n *html.Node) (only *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode && strings.TrimSpace(c.Data) == "" {
			continue
		}
		if c.Type != html.ElementNode || only != nil {
			return nil
		}
		only = c
	}
	return only
}

// languagePrefixes are what classes begin with that name a language (HTML, 4.5.15; Sphinx;
// Org mode; SyntaxHighlighter).
var languagePrefixes = []string{"language-", "lang-", "highlight-source-", "highlight-", "src-", "brush:"}

func languageIn(n *html.Node) string {
	for _, key := range []string{"data-lang", "data-language"} {
		if l := attribute(n, key); isLanguage(l) {
			return l
		}
	}
	classes := strings.Fields(attribute(n, "class"))
	for i, class := range classes {
		for _, prefix := range languagePrefixes {
			l, ok := strings.CutPrefix(class, prefix)
			if ok && l == "" && i+1 < len(classes) {
				l = classes[i+1] // brush: java
			}
			if l = strings.TrimRight(l, ";"); ok && isLanguage(l) {
				return l
			}
		}
		if class == "sourceCode" && i+1 < len(classes) && isLanguage(classes[i+1]) { // Pandoc
			return classes[i+1]
		}
	}
	return ""
}

// isLanguage reports whether a name may be that of a language. Some tools name text
// without one.
func isLanguage(name string) bool {
	if name == "" || len(name) > 20 {
		return false
	}
	switch strings.ToLower(name) {
	case "none", "default", "text", "plain", "plaintext", "source", "code":
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("+-#._", r))
	}) < 0
}
