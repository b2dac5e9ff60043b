package tabular

import (
	"errors"
	"io"
)

// Row is a row of a table.
type Row interface{ PageRow | ErrorRow | LinkRow }

// Bounds of a row group, which is in memory until it is written: the row limit is that of
// DuckDB, which reads several groups at once; the byte limit is for rows that contain
// whole texts.
const (
	MaxGroupRows  = 122_880
	MaxGroupBytes = 64 << 20
)

// Table writes rows of one kind as a Parquet file, compressed with Zstandard, in row
// groups, with the columns that the fields of the row name. Rows must come in the sort
// order that the file declares: pages and errors by url and fetched_at, links by from. A
// Table is not safe for concurrent use.
type Table[R Row] struct {
	file  File[R]
	rows  []R // not yet in file
	bytes int // of the row group that is being gathered, about
}

// maxPending is how many rows are written to the columns at once, because each write has
// a fixed cost.
const maxPending = 64

// New begins a file. The file is unreadable until Close. The caller closes w. [Linked] must have
// returned nil.
func New[R Row](w io.Writer) *Table[R] {
	var row R
	var file any
	switch any(row).(type) {
	case PageRow:
		file = linked.SortedPages(w)
	case ErrorRow:
		file = linked.Errors(w)
	case LinkRow:
		file = linked.Links(w)
	}
	return &Table[R]{file: file.(File[R])}
}

// Write adds rows.
func (t *Table[R]) Write(rows ...R) error {
	for i := range rows {
		t.rows = append(t.rows, rows[i])
		t.bytes += weightOf(&rows[i])
		if len(t.rows) < maxPending && t.bytes < MaxGroupBytes {
			continue
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	return nil
}

// flush writes the pending rows, and the row group if it is large.
func (t *Table[R]) flush() error {
	_, err := t.file.Write(t.rows)
	clear(t.rows)
	t.rows = t.rows[:0]
	if err != nil || t.bytes < MaxGroupBytes {
		return err
	}
	t.bytes = 0
	return t.file.Flush()
}

// weightOf estimates how many bytes of memory a row takes.
func weightOf[R Row](row *R) int {
	const fixed = 200
	switch row := any(row).(type) {
	case *PageRow:
		return fixed + len(row.URL) + len(row.FinalURL) + len(row.Title) + len(row.Fields) + len(row.Text) +
			len(row.Markdown) + len(row.Texts)
	case *LinkRow:
		return len(row.Text) + len(row.To)
	}
	return fixed
}

// Close ends the file.
func (t *Table[R]) Close() error { return errors.Join(t.flush(), t.file.Close()) }
