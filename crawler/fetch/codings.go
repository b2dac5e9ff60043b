package fetch

import (
	"bufio"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the most that a zstd body may look back, in bytes (RFC 9659, 3).
const zstdWindow = 8 << 20

// nothing is what a decoder reads between two bodies.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

// gzipDecoder reads the members of a gzip body one after the other (RFC 1952,
// 2.2) and passes over what follows the last of them, as browsers do.
type gzipDecoder struct {
	in      *bufio.Reader
	member  gzip.Reader
	open    bool // within a member
	members int  // that were read to the end
}

func newGzipDecoder() *gzipDecoder { return &gzipDecoder{in: bufio.NewReader(nothing{})} }

func (d *gzipDecoder) begin(r io.Reader) {
	d.in.Reset(r)
	d.open, d.members = false, 0
}

func (d *gzipDecoder) end() { d.in.Reset(nothing{}) }

func (d *gzipDecoder) Read(p []byte) (int, error) {
	for {
		if err := d.next(); err != nil {
			return 0, err
		}
		n, err := d.member.Read(p)
		if err != io.EOF {
			return n, err
		}
		d.open = false
		d.members++
		if n > 0 {
			return n, nil
		}
	}
}

// next opens the next member where none is open.
func (d *gzipDecoder) next() error {
	if d.open {
		return nil
	}
	if err := d.member.Reset(d.in); err != nil {
		if d.members > 0 {
			return io.EOF
		}
		return err
	}
	d.member.Multistream(false)
	d.open = true
	return nil
}

// deflateDecoder reads "deflate" in both of its senses: the zlib format, as RFC
// 9110, 8.4.1.2 has it, and bare deflate data, as many servers do. It does not
// look at the checksum of zlib, which some of them leave out.
type deflateDecoder struct {
	in   *bufio.Reader
	data io.ReadCloser
	open bool
}

func newDeflateDecoder() *deflateDecoder {
	in := bufio.NewReader(nothing{})
	return &deflateDecoder{in: in, data: flate.NewReader(in)}
}

func (d *deflateDecoder) begin(r io.Reader) {
	d.in.Reset(r)
	d.open = false
}

func (d *deflateDecoder) end() { d.in.Reset(nothing{}) }

func (d *deflateDecoder) Read(p []byte) (int, error) {
	if !d.open {
		d.open = true
		if start, err := d.in.Peek(2); err == nil && isZlib(start) {
			d.in.Discard(len(start))
		}
		d.data.(flate.Resetter).Reset(d.in, nil)
	}
	return d.data.Read(p)
}

// isZlib tells the two bytes that zlib data begin with (RFC 1950, 2.2).
func isZlib(b []byte) bool {
	const deflate, window32K = 8, 7
	return b[0]&0x0f == deflate && b[0]>>4 <= window32K && (uint(b[0])<<8|uint(b[1]))%31 == 0
}

// brotliDecoder reads br.
type brotliDecoder struct{ *brotli.Reader }

func newBrotliDecoder() brotliDecoder { return brotliDecoder{brotli.NewReader(nothing{})} }

func (d brotliDecoder) begin(r io.Reader) { d.Reset(r) }
func (d brotliDecoder) end()              { d.Reset(nothing{}) }

// zstdDecoder reads zstd, in the goroutine of its reader.
type zstdDecoder struct{ *zstd.Decoder }

func newZstdDecoder() zstdDecoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil { // only an option out of range can be the reason
		panic("fetch: zstd: " + err.Error())
	}
	return zstdDecoder{d}
}

func (d zstdDecoder) begin(r io.Reader) { d.Reset(r) }
func (d zstdDecoder) end()              { d.Reset(nil) }
