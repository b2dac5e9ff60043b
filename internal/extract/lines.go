package extract

import (
	"strings"

	"golang.org/x/net/html"
)

// blocks are elements that begin and end a line.
var blocks = setOf("p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table",
	"tr", "td", "th", "tbody", "thead", "tfoot", "caption",
	"section", "article", "figure", "figcaption",
	"dl", "dt", "dd",
	"header", "main", "aside", "footer", "details", "summary", "address", "hr", "form", "fieldset", "nav", "center",
	"body", "html")

// line is the texts of a tree between two bounds of blocks.
type line struct {
	texts                   []*html.Node
	letters, linked, agreed int    // agreed: those that the other opinion has as well
	block                   string // the innermost block
	fixed                   bool   // code or a data table, which is one line
	drop                    bool
}

// text returns the text of a line, with white space collapsed.
func (l *line) text() string {
	var b strings.Builder
	for _, t := range l.texts {
		b.WriteString(t.Data)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// lineReader divides a tree into lines.
type lineReader struct {
	other opinion
	lines []line
	open  line
}

// linesOf divides a tree into lines.
func linesOf(root *html.Node, o opinion) []line {
	r := lineReader{other: o}
	r.open.block = root.Data
	r.visit(root, false)
	r.end(root.Data)
	return r.lines
}

func (r *lineReader) visit(n *html.Node, linked bool) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode:
			r.text(c, linked)
		case c.Type != html.ElementNode || hidden[c.Data]:
		case c.Data == "pre" || c.Data == "table" && isDataTable(c):
			r.end(r.open.block)
			letters := lettersBelow(c)
			r.lines = append(r.lines, line{letters: letters, agreed: letters, block: c.Data, fixed: true})
		case blocks[c.Data]:
			outer := r.open.block
			r.end(c.Data)
			r.visit(c, linked)
			r.end(outer)
		case c.Data == "br":
			r.end(r.open.block)
		default:
			r.visit(c, linked || c.Data == "a")
		}
	}
}

func (r *lineReader) text(n *html.Node, linked bool) {
	letters := lettersOf(n.Data)
	r.open.texts = append(r.open.texts, n)
	r.open.letters += letters
	if linked {
		r.open.linked += letters
	}
	if i, ok := indexOf(n); !ok || r.other.texts[i] {
		r.open.agreed += letters
	}
}

// end ends a line. The next one is in that block.
func (r *lineReader) end(block string) {
	if r.open.letters > 0 {
		r.lines = append(r.lines, r.open)
	}
	r.open = line{block: block}
}

// disagreed marks the lines of a tree of which less than half of the letters are in the
// other opinion. Code and data tables are kept. It marks none if less than half of all
// would be kept, and says so.
func disagreed(root *html.Node, o opinion) (drop map[*html.Node]bool, hard string) {
	lines := linesOf(root, o)
	kept, total := 0, 0
	for i := range lines {
		l := &lines[i]
		l.drop = l.agreed*2 < l.letters
		total += l.letters
		if !l.drop {
			kept += l.letters
		}
	}
	if kept*2 < total {
		hard = "readability and the rules agree about less than half of the text"
		for i := range lines {
			lines[i].drop = false
		}
	}
	markAsides(lines)
	drop = make(map[*html.Node]bool)
	for i := range lines {
		if lines[i].drop {
			for _, t := range lines[i].texts {
				drop[t] = true
			}
		}
	}
	return drop, hard
}

// lettersBelow counts the letters of an element.
func lettersBelow(n *html.Node) (letters int) {
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			letters += lettersOf(c.Data)
		}
	}
	return letters
}

// isDataTable reports whether a table has rows and columns whose text is not links.
func isDataTable(t *html.Node) bool {
	rows, cells := 0, 0
	letters, linked := 0, 0
	var visit func(n *html.Node, link bool) bool
	visit = func(n *html.Node, link bool) bool {
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			switch {
			case c.Type == html.TextNode:
				l := lettersOf(c.Data)
				letters += l
				if link {
					linked += l
				}
			case c.Data == "table":
				return false
			case c.Data == "tr":
				rows++
			case c.Data == "td" || c.Data == "th":
				cells++
			}
			if !visit(c, link || c.Data == "a") {
				return false
			}
		}
		return true
	}
	return visit(t, false) && rows >= 2 && cells >= 2*rows && linked*2 < letters
}
