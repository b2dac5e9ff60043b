package extract

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// maxColumns bounds the cells that spans add to a row (HTML, 4.9.11: colspan is at most
// 1000).
const maxColumns = 1000

// table writes a table as one of GFM. A table in which others lie, or that has a single
// column, is there for the layout: its cells are written one after the other.
func (w *markdown) table(n *html.Node) {
	w.part(2)
	rows, captions, nested := tableRows(n)
	for _, c := range captions {
		w.paragraphs(children(c))
	}
	if code := numberedCode(rows); code != nil {
		w.pre(code)
		return
	}
	if nested || !hasColumns(rows) || strings.EqualFold(attribute(n, "role"), "presentation") {
		w.layout(rows)
		return
	}
	var grid grid
	for _, tr := range rows {
		if w.full() {
			break
		}
		grid.row(w, tr)
	}
	grid.write(w, len(rows) > 0 && isHeader(rows[0]))
	w.part(2)
	w.last = ""
}

// tableRows lists the rows of a table and its captions. nested reports whether another
// table lies in it.
func tableRows(n *html.Node) (rows, captions []*html.Node, nested bool) {
	for c := range n.Descendants() {
		if c.Type != html.ElementNode {
			continue
		}
		switch c.Data {
		case "table":
			nested = true
		case "tr":
			if tableOf(c) == n {
				rows = append(rows, c)
			}
		case "caption":
			if tableOf(c) == n {
				captions = append(captions, c)
			}
		}
	}
	return rows, captions, nested
}

func tableOf(n *html.Node) *html.Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Type == html.ElementNode && p.Data == "table" {
			return p
		}
	}
	return nil
}

// cellsOf lists the cells of a row.
func cellsOf(tr *html.Node) (cells []*html.Node) {
	for c := tr.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && (c.Data == "td" || c.Data == "th") {
			cells = append(cells, c)
		}
	}
	return cells
}

func hasColumns(rows []*html.Node) bool {
	for _, tr := range rows {
		if len(cellsOf(tr)) > 1 {
			return true
		}
	}
	return false
}

// isHeader reports whether a row heads the columns: it is in a thead, or has nothing but
// th.
func isHeader(tr *html.Node) bool {
	if tr.Parent != nil && tr.Parent.Data == "thead" {
		return true
	}
	cells := cellsOf(tr)
	for _, c := range cells {
		if c.Data != "th" {
			return false
		}
	}
	return len(cells) > 0
}

// numberedCode returns the code of a table that has line numbers beside it, or nil.
func numberedCode(rows []*html.Node) *html.Node {
	if len(rows) != 1 {
		return nil
	}
	cells := cellsOf(rows[0])
	if len(cells) != 2 {
		return nil
	}
	numbers, code := firstPre(cells[0]), firstPre(cells[1])
	if code == nil {
		return nil
	}
	if numbers == nil {
		numbers = cells[0]
	}
	text := preText(numbers, func(*html.Node) bool { return false })
	if strings.Trim(text, "0123456789 \n\t") != "" || strings.TrimSpace(text) == "" && !isLineNumber(cells[0]) {
		return nil
	}
	return code
}

func firstPre(n *html.Node) *html.Node {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && c.Data == "pre" {
			return c
		}
	}
	return nil
}

// layout writes the cells of a table one after the other.
func (w *markdown) layout(rows []*html.Node) {
	for _, tr := range rows {
		if w.skip(tr) {
			continue
		}
		for _, c := range cellsOf(tr) {
			if !w.skip(c) && !w.full() {
				w.element(c)
			}
		}
	}
}

// grid is a table of GFM.
type grid struct {
	rows  [][]string
	width int
	down  []int // by column: how many rows the cell above still spans
}

// row adds a row. Cells that a span covers are empty.
func (g *grid) row(w *markdown, tr *html.Node) {
	var cells []string
	words := false
	covered := func() {
		for len(cells) < len(g.down) && g.down[len(cells)] > 0 {
			g.down[len(cells)]--
			cells = append(cells, "")
		}
	}
	for _, c := range cellsOf(tr) {
		covered()
		text := ""
		if !w.skip(tr) && !w.skip(c) {
			text = w.inline(children(c), style{cell: true})
		}
		words = words || text != ""
		across, down := span(c, "colspan", maxColumns), span(c, "rowspan", 65534)
		for range across {
			if len(cells) >= maxColumns {
				break
			}
			for len(g.down) <= len(cells) {
				g.down = append(g.down, 0)
			}
			g.down[len(cells)] = down - 1
			cells = append(cells, text)
			text = ""
		}
	}
	covered()
	if words {
		g.rows = append(g.rows, cells)
		for len(cells) > 0 && cells[len(cells)-1] == "" && len(cells) > g.width {
			cells = cells[:len(cells)-1]
		}
		g.width = max(g.width, len(cells))
	}
}

// span returns how many columns or rows a cell takes.
func span(cell *html.Node, key string, most int) int {
	n, err := strconv.Atoi(strings.TrimSpace(attribute(cell, key)))
	if err != nil || n < 1 {
		return 1
	}
	return min(n, most)
}

// write writes the table. One without a header has an empty one, because GFM wants it.
func (g *grid) write(w *markdown, header bool) {
	if len(g.rows) == 0 {
		return
	}
	rows := g.rows
	head := make([]string, g.width)
	if header {
		copy(head, rows[0])
		rows = rows[1:]
	}
	w.line(tableLine(head))
	w.part(1)
	w.line("|" + strings.Repeat(" --- |", g.width))
	for _, cells := range rows {
		if w.full() {
			return
		}
		w.line(tableLine(cells[:min(len(cells), g.width)]))
	}
}

func tableLine(cells []string) string {
	var b strings.Builder
	b.WriteByte('|')
	for _, c := range cells {
		b.WriteByte(' ')
		b.WriteString(c)
		if c != "" {
			b.WriteByte(' ')
		}
		b.WriteByte('|')
	}
	return b.String()
}
