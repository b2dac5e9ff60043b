package tabular

import (
	"errors"
	"io"
	"reflect"
)

// Codec writes and reads Parquet files. Package parquet registers one: a program that does not
// import it does not link the library.
type Codec struct {
	// SortedPages, Errors and Links begin files whose rows come in the sort order of [Table].
	SortedPages func(io.Writer) File[PageRow]
	Errors      func(io.Writer) File[ErrorRow]
	Links       func(io.Writer) File[LinkRow]
	// Pages begins a file of pages in any order.
	Pages func(io.Writer) File[PageRow]
	// Captures begins a file that sorts its rows by URL key and time when it is closed. Until then
	// they are in temporary files in the folder temp, except for the last ones.
	Captures func(w io.Writer, temp string) File[CaptureRow]
	// Rows begins a file whose rows are pointers to a struct, in any order. The tags of its fields
	// are those of the rows here.
	Rows func(w io.Writer, row reflect.Type) File[any]
	// Open opens a file of pages with a size in bytes. It and what it returns may panic if the
	// file is damaged.
	Open func(file io.ReaderAt, size int64) ([]Group, error)
}

// File is a Parquet file that is being written. It is not safe for concurrent use.
type File[R any] interface {
	Write(rows []R) (int, error)
	Flush() error // ends the row group
	Close() error // ends the file
}

// Group is a row group of a file of pages.
type Group interface {
	NumRows() int64
	Open() PageReader
}

// PageReader reads the rows of a group, and returns io.EOF with or after the last.
type PageReader interface {
	Read(rows []PageRow) (int, error)
	Close() error
}

// linked is the codec; zero if none is linked.
var linked Codec

// Register registers the codec. Package parquet calls it in init.
func Register(c Codec) { linked = c }

// Linked returns the codec, or an error that says how to link it.
func Linked() (Codec, error) {
	if linked.Open == nil {
		return linked, errors.New(`this program cannot write or read Parquet: import _ "github.com/trawlcrawler/trawl/parquet"`)
	}
	return linked, nil
}
