package sink

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Row is a row of a table.
type Row interface{ PageRow | ErrorRow | LinkRow }

// Bounds of a row group, which is in memory until it is written: that of DuckDB,
// which reads several at once, and one for rows that carry whole texts.
const (
	mostGroupRows  = 122_880
	mostGroupBytes = 64 << 20
)

// Table writes rows of one kind as a Parquet file: compressed with Zstandard, in
// row groups, with the columns that the fields of the row name. Rows are expected
// in the order that is written into the file: of pages and errors by url and
// fetched_at, of links by from. A Table is for one goroutine at a time.
type Table[R Row] struct {
	file  *parquet.GenericWriter[R]
	rows  []R // not yet in file
	bytes int // of the row group that is being gathered, about
}

// mostPending is how many rows are written to the columns at once: each time
// costs something.
const mostPending = 64

// NewTable begins a file. Nothing of it can be read before Close, and the caller
// closes w.
func NewTable[R Row](w io.Writer) *Table[R] {
	return &Table[R]{file: parquet.NewGenericWriter[R](w,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.CreatedBy("Trawl", "", ""),
		parquet.KeyValueMetadata("trawl.schema", SchemaVersion),
		parquet.MaxRowsPerRowGroup(mostGroupRows),
		parquet.SortingWriterConfig(parquet.SortingColumns(orderOf[R]()...)),
	)}
}

// orderOf lists the columns that rows are sorted by.
func orderOf[R Row]() []parquet.SortingColumn {
	var row R
	if _, links := any(row).(LinkRow); links {
		return []parquet.SortingColumn{parquet.Ascending("from")}
	}
	return []parquet.SortingColumn{parquet.Ascending("url"), parquet.Ascending("fetched_at")}
}

// Write adds rows.
func (t *Table[R]) Write(rows ...R) error {
	for i := range rows {
		t.rows = append(t.rows, rows[i])
		t.bytes += weightOf(&rows[i])
		if len(t.rows) < mostPending && t.bytes < mostGroupBytes {
			continue
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what is pending, and the row group if that is large.
func (t *Table[R]) flush() error {
	_, err := t.file.Write(t.rows)
	clear(t.rows)
	t.rows = t.rows[:0]
	if err != nil || t.bytes < mostGroupBytes {
		return err
	}
	t.bytes = 0
	return t.file.Flush()
}

// weightOf is about how many bytes of memory a row takes.
func weightOf[R Row](row *R) int {
	const fixed = 200
	switch row := any(row).(type) {
	case *PageRow:
		return fixed + len(row.URL) + len(row.FinalURL) + len(row.Title) + len(row.Fields) + len(row.Text) + len(row.Markdown)
	case *LinkRow:
		return len(row.Text) + len(row.To)
	}
	return fixed
}

// Close ends the file.
func (t *Table[R]) Close() error { return errors.Join(t.flush(), t.file.Close()) }
