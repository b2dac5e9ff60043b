package parse

import (
	"context"
	"strconv"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
)

// markdownOf writes what is below a node as Markdown: CommonMark, with the tables
// of GitHub. It changes the tree. It panics with errLate when ctx ends: the
// library looks at no context, but asks us for each element, and again for each
// character that may have to be escaped, which takes it longest.
func markdownOf(ctx context.Context, n *html.Node) ([]byte, error) {
	flatten(n)
	conv := converter.NewConverter(converter.WithPlugins(
		base.NewBasePlugin(), commonmark.NewCommonmarkPlugin(),
		// The cells are not made as wide as the widest: one that is long would make a
		// page of megabytes one of gigabytes.
		table.NewTablePlugin(table.WithCellPaddingBehavior(table.CellPaddingBehaviorMinimal)),
	))
	inTime := func() {
		if ctx.Err() != nil {
			panic(errLate)
		}
	}
	conv.Register.Renderer(func(converter.Context, converter.Writer, *html.Node) converter.RenderStatus {
		inTime()
		return converter.RenderTryNext
	}, converter.PriorityEarly)
	conv.Register.UnEscaper(func([]byte, int) int {
		inTime()
		return -1
	}, converter.PriorityEarly)
	return conv.ConvertNode(n, converter.WithContext(ctx))
}

// mostCells is how many cells a table may have, with those that no row names: each
// row of a table is as long as the longest, and a cell may span 1,000 columns and
// 65,534 rows (HTML, "colspan" and "rowspan").
const mostCells = 100_000

// flatten makes lines of tables that have too many cells.
func flatten(root *html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "table" && cells(n) > mostCells {
			for part := range n.Descendants() {
				switch part.Data {
				case "table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption", "colgroup":
					part.Data, part.DataAtom = "div", 0
				}
			}
			n.Data, n.DataAtom = "div", 0
		}
	}
}

// cells counts the cells of a table, as rows times columns, with what spans.
func cells(table *html.Node) int {
	rows, columns, spanned := 0, 0, 0
	for n := range table.Descendants() {
		if n.Type != html.ElementNode || n.Data != "tr" {
			continue
		}
		rows++
		width := 0
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Data != "td" && c.Data != "th" {
				continue
			}
			across, down := spanOf(c, "colspan", 1000), spanOf(c, "rowspan", 65534)
			width += across
			spanned += across * (down - 1)
		}
		columns = max(columns, width)
	}
	return rows*columns + spanned
}

// spanOf is 1 for what is no number above.
func spanOf(cell *html.Node, key string, most int) int {
	for _, a := range cell.Attr {
		if n, err := strconv.Atoi(a.Val); a.Key == key && err == nil && n > 1 {
			return min(n, most)
		}
	}
	return 1
}
