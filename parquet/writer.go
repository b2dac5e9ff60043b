package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

// magic begins and ends a file.
const magic = "PAR1"

// file is a file that is being written, with rows of a struct R, or pointers to one in an interface.
type file[R any] struct{ *writer }

// Write adds rows. An error is final.
func (f file[R]) Write(rows []R) (int, error) {
	all := reflect.ValueOf(rows)
	for i := range rows {
		row := all.Index(i)
		for row.Kind() == reflect.Interface || row.Kind() == reflect.Pointer {
			row = row.Elem()
		}
		if err := f.add(row); err != nil {
			return i, err
		}
	}
	return len(rows), nil
}

// writer writes a file: row groups, the indexes of their pages, and the footer. Only one row group
// is in memory, compressed.
type writer struct {
	to       io.Writer
	compress *zstd.Encoder
	offset   int64
	failed   error // of a write; final

	columns []column
	chunks  []*chunk
	rows    int64 // of the row group that is being gathered

	footer  format.FileMetaData
	sorting []format.SortingColumn
	indexes []chunkIndex // of all chunks, in their order
}

// chunkIndex are the indexes of the pages of a chunk.
type chunkIndex struct {
	columns *format.ColumnIndex // nil if the bounds of values are not recorded
	offsets *format.OffsetIndex
}

// newWriter begins a file with rows of a struct type, in the order of the columns that are named.
func newWriter(to io.Writer, row reflect.Type, order ...string) *writer {
	compress, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithZeroFrames(true))
	w := &writer{to: to, compress: compress, failed: err, columns: columnsOf(row)}
	w.footer = format.FileMetaData{
		Version: 2, Schema: schemaOf(row, w.columns),
		KeyValueMetadata: thrift.Slice[format.KeyValue]{{Key: "trawl.schema", Value: tabular.SchemaVersion}},
		CreatedBy:        "Trawl version (build )",
	}
	for i := range w.columns {
		w.chunks = append(w.chunks, newChunk(&w.columns[i]))
		w.footer.ColumnOrders = append(w.footer.ColumnOrders, format.ColumnOrder{Value: new(format.TypeDefinedOrder)})
	}
	for _, name := range order {
		for i := range w.columns {
			if w.columns[i].name == name {
				w.sorting = append(w.sorting, format.SortingColumn{ColumnIdx: int32(i)})
			}
		}
	}
	w.write([]byte(magic))
	return w
}

// write writes to the file, unless writing has failed.
func (w *writer) write(data []byte) {
	if w.failed != nil {
		return
	}
	n, err := w.to.Write(data)
	w.offset += int64(n)
	w.failed = err
}

// add adds a row, and ends the row group if it is full.
func (w *writer) add(row reflect.Value) error {
	for _, c := range w.chunks {
		c.add(row.Field(c.field))
		if c.full() {
			if err := c.endPage(w.compress); err != nil && w.failed == nil {
				w.failed = err
			}
		}
	}
	w.rows++
	if w.rows == tabular.MaxGroupRows {
		return w.Flush()
	}
	return w.failed
}

// Flush ends the row group, unless it has no rows.
func (w *writer) Flush() error {
	if w.rows == 0 || w.failed != nil {
		return w.failed
	}
	group := format.RowGroup{
		NumRows: w.rows, SortingColumns: w.sorting, FileOffset: w.offset, Ordinal: int16(len(w.footer.RowGroups)),
	}
	for _, c := range w.chunks {
		if err := c.endPage(w.compress); err != nil {
			w.failed = err
			return err
		}
		metadata, err := w.writeChunk(c)
		if err != nil {
			w.failed = err
			return err
		}
		group.Columns = append(group.Columns, format.ColumnChunk{MetaData: metadata})
		group.TotalByteSize += metadata.TotalUncompressedSize
		group.TotalCompressedSize += metadata.TotalCompressedSize
		c.reset()
	}
	w.footer.RowGroups = append(w.footer.RowGroups, group)
	w.footer.NumRows += w.rows
	w.rows = 0
	return w.failed
}

// writeChunk writes the pages of a chunk, and returns its metadata.
func (w *writer) writeChunk(c *chunk) (format.ColumnMetaData, error) {
	m := format.ColumnMetaData{
		Type: c.kind, PathInSchema: c.path(), Codec: format.Zstd, NumValues: c.pages.values,
		TotalUncompressedSize: c.pages.uncompressed, Statistics: c.statistics(),
		Encoding: thrift.Slice[format.Encoding]{c.encoding},
		EncodingStats: thrift.Slice[format.PageEncodingStats]{
			{PageType: format.DataPageV2, Encoding: c.encoding, Count: int32(len(c.pages.index))},
		},
	}
	if c.leveled() {
		m.Encoding = append(m.Encoding, format.RLE)
	}
	start := w.offset
	if c.encoding == format.RLEDictionary {
		page, uncompressed, err := dictionaryPage(&c.dictionary, w.compress)
		if err != nil {
			return m, fmt.Errorf("column %q: %w", c.name, err)
		}
		m.DictionaryPageOffset, m.TotalUncompressedSize = start, m.TotalUncompressedSize+uncompressed
		m.Encoding = append(m.Encoding, format.Plain)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{
			PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1,
		})
		w.write(page)
	}
	m.DataPageOffset = w.offset
	w.indexes = append(w.indexes, chunkIndex{c.pages.columnIndex(c.kind), c.pages.offsetIndex(w.offset)})
	w.write(c.pages.data)
	m.TotalCompressedSize = w.offset - start
	return m, w.failed
}

// Close ends the file. It does not close what the file is written to.
func (w *writer) Close() error {
	if err := w.Flush(); err != nil {
		return err
	}
	end, err := w.appendIndexes(nil)
	if err != nil {
		return err
	}
	w.write(end)
	if end, err = appendStruct(nil, &w.footer); err != nil {
		return err
	}
	end = binary.LittleEndian.AppendUint32(end, uint32(len(end)))
	w.write(append(end, magic...))
	return w.failed
}

// appendIndexes appends the indexes of all pages: first the bounds of their values, then where they
// are. It notes in the footer where each index is.
func (w *writer) appendIndexes(to []byte) ([]byte, error) {
	var err error
	at := func(i int) *format.ColumnChunk {
		return &w.footer.RowGroups[i/len(w.columns)].Columns[i%len(w.columns)]
	}
	for i, index := range w.indexes {
		if index.columns == nil {
			continue
		}
		start := len(to)
		if to, err = appendStruct(to, index.columns); err != nil {
			return nil, err
		}
		at(i).ColumnIndexOffset, at(i).ColumnIndexLength = w.offset+int64(start), int32(len(to)-start)
	}
	for i, index := range w.indexes {
		start := len(to)
		if to, err = appendStruct(to, index.offsets); err != nil {
			return nil, err
		}
		at(i).OffsetIndexOffset, at(i).OffsetIndexLength = w.offset+int64(start), int32(len(to)-start)
	}
	return to, nil
}

// appendStruct appends a struct in Thrift's compact protocol.
func appendStruct(to []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(to)
	err := thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(b)).Encode(v)
	return b.Bytes(), err
}
