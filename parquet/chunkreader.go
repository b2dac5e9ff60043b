package parquet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// chunkReader reads the values of a chunk, page by page.
type chunkReader struct {
	leaf     *leaf
	codec    format.CompressionCodec
	from     *bufio.Reader
	decoders *decoders
	header   format.PageHeader
	stored   []byte // the page that was read last, as it is in the file
	plain    []byte // the same, decompressed

	size       int64 // of the chunk in bytes
	left       int64 // values of the pages that follow, nulls included
	dictionary *vector

	// The current page. The next value is at position; passed of those before are not null.
	count, position, passed int
	levels, repetitions     []byte  // empty where all are the same
	own                     vector  // of this page
	values                  *vector // own, or the dictionary
	numbers                 []int32 // in the dictionary
	numbered                bool    // values is the dictionary
}

// newChunkReader begins to read column i of a row group.
func newChunkReader(g *group, i int) (*chunkReader, error) {
	m := &g.meta.Columns[i].MetaData
	start := m.DataPageOffset
	if m.DictionaryPageOffset > 0 {
		start = min(start, m.DictionaryPageOffset)
	}
	if start < 0 || m.TotalCompressedSize < 0 || start > g.at.Size()-m.TotalCompressedSize {
		return nil, fmt.Errorf("%d bytes at byte %d are not in the file", m.TotalCompressedSize, start)
	}
	return &chunkReader{
		leaf: &g.leaves[i], codec: m.Codec, decoders: g.decoders, size: m.TotalCompressedSize, left: m.NumValues,
		from: bufio.NewReaderSize(io.NewSectionReader(g.at, start, m.TotalCompressedSize), 16<<10),
	}, nil
}

// next comes to the next value, and reports whether it is there, rather than null or an empty list.
func (c *chunkReader) next() (there bool, err error) {
	for c.position == c.count {
		if err := c.nextPage(); err != nil {
			return false, err
		}
	}
	there = len(c.levels) == 0 || c.levels[c.position] == c.leaf.maxLevel
	c.position++
	if there {
		c.passed++
	}
	return there, nil
}

// continues reports whether the value after this one belongs to the same list. A list may go on in
// the next page.
func (c *chunkReader) continues() (bool, error) {
	for c.position == c.count {
		if c.left <= 0 {
			return false, nil
		}
		if err := c.nextPage(); err != nil {
			return false, err
		}
	}
	return c.repetitions[c.position] > 0, nil
}

// value returns where the value is to which next has come.
func (c *chunkReader) value() (in *vector, i int, err error) {
	in, i = c.values, c.passed-1
	if c.numbered {
		if i >= len(c.numbers) {
			return nil, 0, errTooFew
		}
		i = int(c.numbers[i])
	}
	if i < 0 || i >= in.len() {
		return nil, 0, errTooFew
	}
	return in, i, nil
}

var errTooFew = errors.New("a page, or its dictionary, has fewer values than it says")

// nextPage reads the next page of values, and a dictionary before it.
func (c *chunkReader) nextPage() error {
	if c.left <= 0 {
		return io.ErrUnexpectedEOF
	}
	for {
		c.header = format.PageHeader{}
		if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(c.from)).Decode(&c.header); err != nil {
			return fmt.Errorf("the header of a page: %w", err)
		}
		body, err := c.body()
		if err != nil {
			return err
		}
		switch c.header.Type {
		case format.DictionaryPage:
			if err := c.readDictionary(body); err != nil {
				return fmt.Errorf("the dictionary: %w", err)
			}
		case format.DataPage:
			return c.readPage(body)
		case format.DataPageV2:
			return c.readPage2(body)
		}
	}
}

// body reads what follows the header of a page. It is valid until the next page.
func (c *chunkReader) body() ([]byte, error) {
	size, full := c.header.CompressedPageSize, c.header.UncompressedPageSize
	if size < 0 || full < 0 || int64(size) > c.size {
		return nil, fmt.Errorf("a page of %d bytes, which become %d, does not fit into %d bytes", size, full, c.size)
	}
	c.stored = slices.Grow(c.stored[:0], int(size))[:size]
	if _, err := io.ReadFull(c.from, c.stored); err != nil {
		return nil, err
	}
	if c.header.CRC != 0 && uint32(c.header.CRC) != crc32.ChecksumIEEE(c.stored) {
		return nil, errors.New("the checksum of a page is wrong")
	}
	return c.stored, nil
}

// olderDictionary is the encoding PLAIN_DICTIONARY, which older writers name instead of PLAIN for
// a dictionary and of RLE_DICTIONARY for the numbers in it (Parquet, Encodings.md).
const olderDictionary format.Encoding = 2

func (c *chunkReader) readDictionary(body []byte) error {
	h := &c.header.DictionaryPageHeader.V
	if h.Encoding != format.Plain && h.Encoding != olderDictionary {
		return fmt.Errorf("it has the encoding %v, want PLAIN", h.Encoding)
	}
	body, err := c.decompress(body, c.header.UncompressedPageSize)
	if err != nil {
		return err
	}
	c.dictionary = new(vector)
	return c.dictionary.decode(c.leaf.kind, format.Plain, body, int(h.NumValues))
}

// readPage reads a page of version 1, whose levels are compressed with the values.
func (c *chunkReader) readPage(body []byte) error {
	h := &c.header.DataPageHeader.V
	body, err := c.decompress(body, c.header.UncompressedPageSize)
	if err != nil {
		return err
	}
	level := func(most byte, encoding format.Encoding) ([]byte, error) {
		if most == 0 {
			return nil, nil
		}
		const prefix = 4
		if encoding != format.RLE || len(body) < prefix {
			return nil, fmt.Errorf("levels have the encoding %v, in %d bytes", encoding, len(body))
		}
		size := int(binary.LittleEndian.Uint32(body))
		if size > len(body)-prefix {
			return nil, io.ErrUnexpectedEOF
		}
		levels, err := decodeLevels(body[prefix:prefix+size], most, int(h.NumValues))
		body = body[prefix+size:]
		return levels, err
	}
	repetitions, err := level(c.leaf.maxList, h.RepetitionLevelEncoding)
	if err != nil {
		return err
	}
	levels, err := level(c.leaf.maxLevel, h.DefinitionLevelEncoding)
	if err != nil {
		return err
	}
	return c.begin(h.Encoding, body, int(h.NumValues), levels, repetitions)
}

// readPage2 reads a page of version 2, whose levels are before the compressed values.
func (c *chunkReader) readPage2(body []byte) error {
	h := &c.header.DataPageHeaderV2.V
	first, second := int(h.RepetitionLevelsByteLength), int(h.DefinitionLevelsByteLength)
	if first < 0 || second < 0 || first+second > len(body) {
		return fmt.Errorf("levels of %d and %d bytes do not fit into %d bytes", first, second, len(body))
	}
	repetitions, err := decodeLevels(body[:first], c.leaf.maxList, int(h.NumValues))
	if err != nil {
		return err
	}
	levels, err := decodeLevels(body[first:first+second], c.leaf.maxLevel, int(h.NumValues))
	if err != nil {
		return err
	}
	body = body[first+second:]
	if compressed, said := h.IsCompressed.Get(); compressed || !said {
		body, err = c.decompress(body, c.header.UncompressedPageSize-int32(first+second))
		if err != nil {
			return err
		}
	}
	return c.begin(h.Encoding, body, int(h.NumValues), levels, repetitions)
}

// begin makes a page the current one.
func (c *chunkReader) begin(encoding format.Encoding, body []byte, count int, levels, repetitions []byte) error {
	if count < 0 || int64(count) > c.left {
		return fmt.Errorf("a page has %d values, want at most %d", count, c.left)
	}
	there := count
	if c.leaf.maxLevel > 0 {
		there = 0
		for _, level := range levels {
			if level == c.leaf.maxLevel {
				there++
			}
		}
	}
	c.count, c.position, c.passed, c.levels, c.repetitions = count, 0, 0, levels, repetitions
	c.values, c.numbered = &c.own, encoding == format.RLEDictionary || encoding == olderDictionary
	c.left -= int64(count)
	switch {
	case there == 0:
		c.own.reset()
		c.numbered = false
		return nil
	case !c.numbered:
		return c.own.decode(c.leaf.kind, encoding, body, there)
	case c.dictionary == nil:
		return errors.New("a page refers to a dictionary that the chunk lacks")
	}
	var err error
	c.values = c.dictionary
	c.numbers, err = numberCoding.DecodeInt32(c.numbers[:0], body)
	return err
}

// decompress decompresses a page that becomes size bytes.
func (c *chunkReader) decompress(page []byte, size int32) ([]byte, error) {
	var err error
	c.plain, err = c.decoders.decompress(c.codec, page, c.plain[:0], int(size))
	return c.plain, err
}

// decodeLevels decodes count levels from 0 to most. It returns nil if most is 0.
func decodeLevels(text []byte, most byte, count int) ([]byte, error) {
	if most == 0 {
		return nil, nil
	}
	width := 0
	for rest := most; rest > 0; rest >>= 1 {
		width++
	}
	levels, err := (&rle.Encoding{BitWidth: width}).DecodeLevels(nil, text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("levels: %w", err)
	case count < 0 || len(levels) < count:
		return nil, fmt.Errorf("%d levels, want %d", len(levels), count)
	}
	return levels[:count], nil // the last run may be longer than the page
}
