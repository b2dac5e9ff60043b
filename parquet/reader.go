package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

// open opens a file of pages.
func open(at io.ReaderAt, size int64) ([]tabular.Group, error) {
	footer, err := readFooter(at, size)
	if err != nil {
		return nil, err
	}
	leaves, err := leavesOf(footer.Schema)
	if err != nil {
		return nil, err
	}
	codings := newDecoders()
	var groups []tabular.Group
	for i := range footer.RowGroups {
		g := &group{at: io.NewSectionReader(at, 0, size), meta: &footer.RowGroups[i], leaves: leaves, decoders: codings}
		if len(g.meta.Columns) != len(leaves) {
			return nil, fmt.Errorf("row group %d has %d columns, the schema %d", i, len(g.meta.Columns), len(leaves))
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// readFooter reads the metadata of a file with a size in bytes.
func readFooter(at io.ReaderAt, size int64) (*format.FileMetaData, error) {
	const fixed = 8 // the length of the footer, and magic
	end := make([]byte, fixed)
	if size < fixed+int64(len(magic)) {
		return nil, fmt.Errorf("a file of %d bytes is too short for Parquet", size)
	}
	if _, err := at.ReadAt(end, size-fixed); err != nil && err != io.EOF {
		return nil, err
	}
	if !bytes.HasSuffix(end, []byte(magic)) {
		return nil, fmt.Errorf("the file ends with %q, want %q", end[4:], magic)
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if length > size-fixed-int64(len(magic)) {
		return nil, fmt.Errorf("a footer of %d bytes does not fit into %d bytes", length, size)
	}
	text := make([]byte, length)
	if _, err := at.ReadAt(text, size-fixed-length); err != nil && err != io.EOF {
		return nil, err
	}
	footer := new(format.FileMetaData)
	if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReaderFromBytes(text)).Decode(footer); err != nil {
		return nil, fmt.Errorf("the footer: %w", err)
	}
	return footer, nil
}

// group is a row group of a file of pages.
type group struct {
	at       *io.SectionReader // the whole file
	meta     *format.RowGroup
	leaves   []leaf
	decoders *decoders
}

// NumRows returns the number of rows that the file says.
func (g *group) NumRows() int64 { return g.meta.NumRows }

// Open begins to read the rows. What is wrong with the columns is an error of the first Read.
func (g *group) Open() tabular.PageReader {
	row := reflect.TypeFor[tabular.PageRow]()
	r := &rowReader{left: g.meta.NumRows}
	columns := columnsOf(row)
	for i := range columns {
		c := &columns[i]
		for j := range g.leaves {
			if g.leaves[j].path[0] != c.name {
				continue
			}
			err := g.leaves[j].fits(c, row.Field(c.field).Type)
			if err != nil {
				r.failed = err
				return r
			}
			chunk, err := newChunkReader(g, j)
			if err != nil {
				r.failed = fmt.Errorf("column %q: %w", c.name, err)
				return r
			}
			r.fields = append(r.fields, &fieldReader{column: c, chunk: chunk})
			break
		}
	}
	if len(r.fields) == 0 {
		r.failed = errors.New("the file has no column of pages")
	}
	return r
}

// rowReader reads the rows of a group.
type rowReader struct {
	left   int64
	fields []*fieldReader // of the columns that the file has
	failed error
}

// Read fills rows, whose fields must be zero. A field without a column stays zero.
func (r *rowReader) Read(rows []tabular.PageRow) (int, error) {
	for i := range rows {
		switch {
		case r.failed != nil:
			return i, r.failed
		case r.left <= 0:
			return i, io.EOF
		}
		row := reflect.ValueOf(&rows[i]).Elem()
		for _, f := range r.fields {
			if err := f.read(row.Field(f.column.field)); err != nil {
				if errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				r.failed = fmt.Errorf("column %q: %w", f.column.name, err)
				return i, r.failed
			}
		}
		r.left--
	}
	return len(rows), nil
}

// Close releases nothing: the file belongs to the caller.
func (r *rowReader) Close() error { return nil }
