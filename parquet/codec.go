package parquet

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// decoders decompress pages. Trawl writes Zstandard; other writers use Snappy, gzip or Brotli.
type decoders struct{ zstd *zstd.Decoder }

// largest bounds how large a page becomes, whatever its header says.
const largest = 1 << 30

func newDecoders() *decoders {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(largest))
	if err != nil {
		panic(err) // for an option that is out of range
	}
	return &decoders{d}
}

// decompress decompresses a page that becomes size bytes, into a buffer that it may replace.
func (d *decoders) decompress(codec format.CompressionCodec, page, to []byte, size int) ([]byte, error) {
	const ahead = 1 << 20 // larger buffers grow as they are filled
	to = slices.Grow(to, min(max(0, size), ahead))
	var err error
	switch codec {
	case format.Uncompressed:
		to = append(to, page...)
	case format.Zstd:
		to, err = d.zstd.DecodeAll(page, to)
	case format.Snappy:
		to, err = snappy.Decode(to[:cap(to)], page)
	case format.Brotli:
		to, err = io.ReadAll(io.LimitReader(brotli.NewReader(bytes.NewReader(page)), largest))
	case format.Gzip:
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(page)); err == nil {
			to, err = io.ReadAll(io.LimitReader(z, largest))
		}
	default:
		err = fmt.Errorf("pages are compressed with %v: write the file with Zstandard, Snappy, gzip or Brotli", codec)
	}
	if err == nil && len(to) != size {
		err = fmt.Errorf("a page has %d bytes, its header says %d", len(to), size)
	}
	return to, err
}
