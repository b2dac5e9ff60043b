package sink

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// A Compression is how the lines of a [JSONL] are compressed. Each batch is compressed by
// itself, so that a file with a torn end loses only its last batch.
type Compression string

// The compressions. The values are file name extensions.
const (
	Uncompressed Compression = ""
	Gzip         Compression = ".gz"  // RFC 1952: each batch is a member
	Zstandard    Compression = ".zst" // RFC 8878: each batch is a frame
)

// coding implements a compression. It is safe for concurrent use.
type coding struct {
	// pack appends the compressed lines to out. Nil leaves lines as they are.
	pack func(out, lines []byte) ([]byte, error)
	// whole returns how many of the first size bytes of a file are whole batches. It
	// returns an error only if reading fails.
	whole func(f io.ReaderAt, size int64) (int64, error)
}

// packWindow is how far back a batch may refer to itself when it is compressed, in bytes. An encoder
// of Zstandard has a buffer of twice the size for each processor, by default up to 16 MB, and few
// batches are larger than this.
const packWindow = 1 << 20

// coding returns the implementation of the compression. fast is that of [JSONLConfig].
func (c Compression) coding(fast bool) (coding, error) {
	switch c {
	case Uncompressed:
		return coding{whole: wholeLines}, nil
	case Gzip:
		writers := sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
		return coding{whole: wholeMembers, pack: func(out, lines []byte) ([]byte, error) {
			w := writers.Get().(*gzip.Writer)
			defer writers.Put(w)
			buffer := bytes.NewBuffer(out)
			w.Reset(buffer)
			if _, err := w.Write(lines); err != nil {
				return nil, err
			}
			err := w.Close()
			return buffer.Bytes(), err
		}}, nil
	case Zstandard:
		level := zstd.SpeedDefault
		if fast {
			level = zstd.SpeedFastest
		}
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithWindowSize(packWindow))
		return coding{whole: wholeFrames, pack: func(out, lines []byte) ([]byte, error) {
			return encoder.EncodeAll(lines, out), nil
		}}, err
	}
	return coding{}, fmt.Errorf("compression: %q is unknown: want %q, %q or none", string(c), Gzip, Zstandard)
}

// wholeMembers decompresses gzip members, checksums included, until one is incomplete.
func wholeMembers(f io.ReaderAt, size int64) (int64, error) {
	raw := &warc.Counter{R: io.NewSectionReader(f, 0, size)}
	in := bufio.NewReaderSize(raw, 256<<10)
	var zip gzip.Reader
	for end := int64(0); ; {
		err := zip.Reset(in)
		if err == nil {
			zip.Multistream(false)
			_, err = io.Copy(io.Discard, &zip)
		}
		if raw.Err != nil && raw.Err != io.EOF {
			return 0, raw.Err
		}
		if err != nil {
			return end, nil
		}
		end = raw.N - int64(in.Buffered())
	}
}

// wholeFrames decompresses zstd frames, checksums included, until one is incomplete.
func wholeFrames(f io.ReaderAt, size int64) (int64, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	defer decoder.Close()
	for end := int64(0); ; {
		length, err := frameLength(f, end, size)
		if err != nil || length == 0 {
			return end, err
		}
		if err := decoder.Reset(io.NewSectionReader(f, end, length)); err != nil {
			return end, nil
		}
		if _, err := io.Copy(io.Discard, decoder); err != nil {
			return end, nil
		}
		end += length
	}
}

// frameLength returns the length of the frame that begins at an offset, or 0 if it does
// not end before size or is not a frame (RFC 8878, 3.1.1).
func frameLength(f io.ReaderAt, begin, size int64) (int64, error) {
	head := make([]byte, min(zstd.HeaderMaxSize, size-begin))
	if _, err := f.ReadAt(head, begin); err != nil && err != io.EOF {
		return 0, err
	}
	var h zstd.Header
	if h.Decode(head) != nil || h.Skippable {
		return 0, nil
	}
	at := begin + int64(h.HeaderSize)
	for last := false; !last; {
		if at+3 > size {
			return 0, nil
		}
		var block [4]byte
		if _, err := f.ReadAt(block[:3], at); err != nil {
			return 0, err
		}
		header := binary.LittleEndian.Uint32(block[:])
		length := int64(header >> 3)
		if kind := header >> 1 & 3; kind == 1 { // one byte, repeated
			length = 1
		}
		last = header&1 == 1
		at += 3 + length
	}
	if h.HasCheckSum {
		at += 4
	}
	if at > size {
		return 0, nil
	}
	return at - begin, nil
}
