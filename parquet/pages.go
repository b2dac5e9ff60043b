package parquet

import (
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// pages are the finished pages of a chunk.
type pages struct {
	data          []byte // headers and pages, as they are in the file
	uncompressed  int64  // size of data before compression
	values, nulls int64  // values counts nulls too
	rows          int64
	bounds        bounds
	index         []page
	scratch       []byte
}

// page is what the index says of a page.
type page struct {
	offset, size  int // in pages.data
	row           int64
	values, nulls int64  // values counts no nulls
	bounds        bounds // unknown if all values are null
}

// The encodings of levels, and of values that are not PLAIN already.
var (
	levelCoding    = rle.Encoding{BitWidth: 1}
	numberCoding   rle.DictionaryEncoding
	packedCoding   delta.BinaryPackedEncoding
	lengthCoding   delta.LengthByteArrayEncoding
	prefixedCoding delta.ByteArrayEncoding
)

// add encodes the page that c has gathered.
func (p *pages) add(c *chunk, compress *zstd.Encoder) error {
	levels, repetitions, err := c.encodedLevels()
	if err != nil {
		return err
	}
	values, err := c.encodedValues(p.scratch)
	if err != nil {
		return fmt.Errorf("column %q: %w", c.name, err)
	}
	if len(values) > maxSize/2 {
		return fmt.Errorf("column %q: a page of %d bytes is too large for Parquet", c.name, len(values))
	}
	if c.encoding != format.Plain {
		p.scratch = values
	}
	body := append(repetitions, levels...)
	prefix := len(body)
	body = compress.EncodeAll(values, body)
	nulls := c.count() - c.values
	header := format.PageHeader{
		Type: format.DataPageV2, UncompressedPageSize: int32(prefix + len(values)), CompressedPageSize: int32(len(body)),
		CRC: int32(crc32.ChecksumIEEE(body)),
		DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{
			NumValues: int32(c.count()), NumNulls: int32(nulls), NumRows: int32(c.rows), Encoding: c.encoding,
			DefinitionLevelsByteLength: int32(len(levels)), RepetitionLevelsByteLength: int32(len(repetitions)),
			IsCompressed: thrift.New(true),
		}),
	}
	next := page{offset: len(p.data), row: p.rows, values: int64(c.values), nulls: int64(nulls), bounds: c.bounds}
	if p.data, err = appendStruct(p.data, &header); err != nil {
		return err
	}
	p.uncompressed += int64(len(p.data) - next.offset + prefix + len(values))
	p.data = append(p.data, body...)
	next.size = len(p.data) - next.offset
	p.index = append(p.index, next)
	p.values, p.nulls, p.rows = p.values+int64(c.count()), p.nulls+int64(nulls), p.rows+int64(c.rows)
	p.bounds.join(&c.bounds)
	return nil
}

// encodedLevels returns the levels of the page.
func (c *chunk) encodedLevels() (levels, repetitions []byte, err error) {
	if c.leveled() {
		if levels, err = levelCoding.EncodeLevels(nil, c.levels); err != nil {
			return nil, nil, err
		}
	}
	if c.list {
		repetitions, err = levelCoding.EncodeLevels(nil, c.repetitions)
	}
	return levels, repetitions, err
}

// encodedValues returns the values of the page in the encoding of the column, in scratch if they
// have to be encoded.
func (c *chunk) encodedValues(scratch []byte) ([]byte, error) {
	switch c.encoding {
	case format.RLEDictionary:
		return numberCoding.EncodeInt32(scratch, c.numbers)
	case format.DeltaByteArray:
		return prefixedCoding.EncodeByteArray(scratch, c.data, c.offsets)
	case format.DeltaLengthByteArray:
		return lengthCoding.EncodeByteArray(scratch, c.data, c.offsets)
	}
	return c.data, nil
}

// reset forgets the pages.
func (p *pages) reset() {
	*p = pages{data: p.data[:0], index: p.index[:0], scratch: p.scratch}
}

// dictionaryPage returns the page of a dictionary with its header, and its size before compression.
func dictionaryPage(d *dictionary, compress *zstd.Encoder) (data []byte, uncompressed int64, err error) {
	body := compress.EncodeAll(d.plain, nil)
	header := format.PageHeader{
		Type: format.DictionaryPage, UncompressedPageSize: int32(len(d.plain)), CompressedPageSize: int32(len(body)),
		CRC: int32(crc32.ChecksumIEEE(body)),
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
			NumValues: int32(len(d.numbers)), Encoding: format.Plain,
		}),
	}
	data, err = appendStruct(nil, &header)
	return append(data, body...), int64(len(data) + len(d.plain)), err
}

// columnIndex returns the bounds of each page, or nil if they are not recorded for such a column.
func (p *pages) columnIndex(kind format.Type) *format.ColumnIndex {
	index := new(format.ColumnIndex)
	ascending, descending := true, true
	var last *bounds
	for i := range p.index {
		bounds := p.index[i].bounds.indexed()
		low, high, known := bounds.encoded(kind)
		switch {
		case known && last != nil:
			lows, highs := last.compare(&bounds, kind)
			ascending, descending = ascending && lows <= 0 && highs <= 0, descending && lows >= 0 && highs >= 0
			fallthrough
		case known:
			last = &bounds
		case p.index[i].values > 0:
			return nil
		default:
			low, high = []byte{}, []byte{}
		}
		index.NullPages, index.NullCounts = append(index.NullPages, !known), append(index.NullCounts, p.index[i].nulls)
		index.MinValues, index.MaxValues = append(index.MinValues, low), append(index.MaxValues, high)
	}
	switch {
	case ascending:
		index.BoundaryOrder = format.Ascending
	case descending:
		index.BoundaryOrder = format.Descending
	}
	return index
}

// offsetIndex returns where the pages are, the first of which is at offset.
func (p *pages) offsetIndex(offset int64) *format.OffsetIndex {
	index := new(format.OffsetIndex)
	for _, page := range p.index {
		index.PageLocations = append(index.PageLocations, format.PageLocation{
			Offset: offset + int64(page.offset), CompressedPageSize: int32(page.size), FirstRowIndex: page.row,
		})
	}
	return index
}
