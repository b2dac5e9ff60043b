// Package parquet lets Trawl write and read Parquet. The command has it. A program whose jobs have
// the format "parquet", or that exports to Parquet, imports it:
//
//	import _ "github.com/trawlcrawler/trawl/parquet"
package parquet

import (
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

func init() {
	tabular.Register(tabular.Codec{
		SortedPages: sorted[tabular.PageRow]("url", "fetched_at"),
		Errors:      sorted[tabular.ErrorRow]("url", "fetched_at"),
		Links:       sorted[tabular.LinkRow]("from"),
		Pages:       sorted[tabular.PageRow](),
		Rows:        newRows,
		Open:        open,
	})
}

// options returns the options of all files. Row groups have the size of DuckDB's own.
func options() []parquet.WriterOption {
	return []parquet.WriterOption{
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.CreatedBy("Trawl", "", ""),
		parquet.KeyValueMetadata("trawl.schema", tabular.SchemaVersion),
		parquet.MaxRowsPerRowGroup(tabular.MaxGroupRows),
	}
}

// sorted returns a function that begins a file which declares that its rows are sorted by these
// columns.
func sorted[R tabular.Row](columns ...string) func(io.Writer) tabular.File[R] {
	return func(w io.Writer) tabular.File[R] {
		all := options()
		if len(columns) > 0 {
			var order []parquet.SortingColumn
			for _, column := range columns {
				order = append(order, parquet.Ascending(column))
			}
			all = append(all, parquet.SortingWriterConfig(parquet.SortingColumns(order...)))
		}
		return parquet.NewGenericWriter[R](w, all...)
	}
}

func newRows(w io.Writer, row reflect.Type) tabular.File[any] {
	schema := parquet.SchemaOf(reflect.New(row).Interface())
	return parquet.NewGenericWriter[any](w, append(options(), schema)...)
}

// open opens a file of pages.
func open(file io.ReaderAt, size int64) ([]tabular.Group, error) {
	opened, err := parquet.OpenFile(file, size)
	if err != nil {
		return nil, err
	}
	var groups []tabular.Group
	for _, g := range opened.RowGroups() {
		groups = append(groups, group{g})
	}
	return groups, nil
}

// group is a row group of pages.
type group struct{ parquet.RowGroup }

func (g group) Open() tabular.PageReader {
	return parquet.NewGenericRowGroupReader[tabular.PageRow](g.RowGroup)
}
