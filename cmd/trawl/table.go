package main

import (
	"strings"

	"github.com/trawlcrawler/trawl/internal/plain"
)

// column is a column of a table on a terminal.
type column struct {
	name    string
	rank    int // where there is no room, columns with the highest rank are left out; never those of rank 0
	numeric bool
}

// table is a table whose columns fit a terminal. The last column has the rest of the width.
type table struct {
	columns []column
	rows    [][]string
}

func newTable(columns ...column) *table { return &table{columns: columns} }

// add adds a row with a text for each column.
func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// tableGap is the room between two columns.
const tableGap = 2

// leastLast is the width that the last column should have, or else others are left out.
const leastLast = 12

// lines returns the names of the columns and the rows, for a number of terminal columns.
func (t *table) lines(columns int) [][]span {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = len(c.name)
		for _, row := range t.rows {
			widths[i] = max(widths[i], columnsOf(span{text: row[i]}))
		}
	}
	shown := t.fitting(widths, columns)
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	lines := [][]span{{{t.line(names, widths, shown), styleStrong}}}
	for _, row := range t.rows {
		lines = append(lines, []span{{text: t.line(row, widths, shown)}})
	}
	return lines
}

// fitting says which columns are shown.
func (t *table) fitting(widths []int, columns int) []bool {
	shown := make([]bool, len(t.columns))
	for i := range shown {
		shown[i] = true
	}
	last := len(t.columns) - 1
	for {
		sum, out := min(widths[last], leastLast), -1
		for i, c := range t.columns[:last] {
			if !shown[i] {
				continue
			}
			sum += widths[i] + tableGap
			if c.rank > 0 && (out < 0 || c.rank > t.columns[out].rank) {
				out = i
			}
		}
		if sum < columns || out < 0 {
			return shown
		}
		shown[out] = false
	}
}

// line joins the cells of a row.
func (t *table) line(cells []string, widths []int, shown []bool) string {
	var b strings.Builder
	for i, cell := range cells {
		if !shown[i] {
			continue
		}
		cell = plain.Printable(cell)
		room := strings.Repeat(" ", max(0, widths[i]-columnsOf(span{text: cell})))
		switch {
		case i == len(cells)-1:
			b.WriteString(cell)
			continue
		case t.columns[i].numeric:
			b.WriteString(room + cell)
		default:
			b.WriteString(cell + room)
		}
		b.WriteString(strings.Repeat(" ", tableGap))
	}
	return strings.TrimRight(b.String(), " ")
}
