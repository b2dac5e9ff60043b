package fetch

import (
	"bufio"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the largest window of a zstd body, in bytes (RFC 9659, 3).
const zstdWindow = 8 << 20

// nothing is the input of a decoder between two bodies.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

// gzipDecoder decodes the members of a gzip body one after another (RFC 1952, 2.2). It
// ignores what follows the last member, as browsers do.
type gzipDecoder struct {
	in      *bufio.Reader
	member  gzip.Reader
	open    bool // inside a member
	members int  // read to the end
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

// next opens the next member if none is open.
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

// deflateDecoder decodes "deflate" in both of its meanings: the zlib format as in RFC 9110,
// 8.4.1.2, and raw deflate data, as many servers send it. It does not check zlib's
// checksum, which some servers omit.
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

// isZlib reports whether data begins with a zlib header of two bytes (RFC 1950, 2.2).
func isZlib(b []byte) bool {
	const deflate, window32K = 8, 7
	return b[0]&0x0f == deflate && b[0]>>4 <= window32K && (uint(b[0])<<8|uint(b[1]))%31 == 0
}

// brotliDecoder decodes br.
type brotliDecoder struct{ *brotli.Reader }

func newBrotliDecoder() brotliDecoder { return brotliDecoder{brotli.NewReader(nothing{})} }

func (d brotliDecoder) begin(r io.Reader) { d.Reset(r) }
func (d brotliDecoder) end()              { d.Reset(nothing{}) }

// zstdDecoder decodes zstd in the goroutine that reads from it.
type zstdDecoder struct{ *zstd.Decoder }

func newZstdDecoder() zstdDecoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil { // only possible if an option is out of range
		panic("fetch: zstd: " + err.Error())
	}
	return zstdDecoder{d}
}

func (d zstdDecoder) begin(r io.Reader) { d.Reset(r) }
func (d zstdDecoder) end()              { d.Reset(nil) }
