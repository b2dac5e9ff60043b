package tabular

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Row is a row of a table.
type Row interface{ PageRow | ErrorRow | LinkRow }

// Bounds of a row group, which is in memory until it is written: the row limit is that of
// DuckDB, which reads several groups at once; the byte limit is for rows that contain
// whole texts.
const (
	maxGroupRows  = 122_880
	MaxGroupBytes = 64 << 20
)

// Table writes rows of one kind as a Parquet file, compressed with Zstandard, in row
// groups, with the columns that the fields of the row name. Rows must come in the sort
// order that the file declares: pages and errors by url and fetched_at, links by from. A
// Table is not safe for concurrent use.
type Table[R Row] struct {
	file  *parquet.GenericWriter[R]
	rows  []R // not yet in file
	bytes int // of the row group that is being gathered, about
}

// maxPending is how many rows are written to the columns at once, because each write has
// a fixed cost.
const maxPending = 64

// New begins a file. The file is unreadable until Close. The caller closes w.
func New[R Row](w io.Writer) *Table[R] {
	return &Table[R]{file: parquet.NewGenericWriter[R](w,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.CreatedBy("Trawl", "", ""),
		parquet.KeyValueMetadata("trawl.schema", SchemaVersion),
		parquet.MaxRowsPerRowGroup(maxGroupRows),
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
