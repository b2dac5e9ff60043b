// Package parquet lets Trawl write and read Parquet. The command has it. A program whose jobs have
// the format "parquet", or that exports to Parquet, imports it:
//
//	import _ "github.com/trawlcrawler/trawl/parquet"
//
// A file has row groups. A row group has a chunk for each column, and a chunk has pages of values.
// Values that may be absent and lists have levels beside them (Dremel). The metadata, Thrift and the
// encodings are those of github.com/parquet-go/parquet-go; how rows become pages, and pages rows, is
// here, because the rest of that library takes longer to compile than most of Trawl. The format:
// https://parquet.apache.org/docs/file-format/
package parquet

import (
	"io"
	"reflect"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

func init() {
	tabular.Register(tabular.Codec{
		SortedPages: writes[tabular.PageRow]("url", "fetched_at"),
		Errors:      writes[tabular.ErrorRow]("url", "fetched_at"),
		Links:       writes[tabular.LinkRow]("from"),
		Pages:       writes[tabular.PageRow](),
		Captures:    newCaptures,
		Rows: func(w io.Writer, row reflect.Type) tabular.File[any] {
			return file[any]{newWriter(w, row)}
		},
		Open: open,
	})
}

// writes returns a function that begins a file which declares that its rows are sorted by these
// columns.
func writes[R tabular.Row](order ...string) func(io.Writer) tabular.File[R] {
	return func(w io.Writer) tabular.File[R] {
		return file[R]{newWriter(w, reflect.TypeFor[R](), order...)}
	}
}
