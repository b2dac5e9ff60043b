package archive

import (
	"bufio"
	"compress/flate"
	"compress/zlib"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	maxCodings = 4       // stacked on one body
	zstdWindow = 8 << 20 // bytes; browsers accept no larger one (RFC 9659)
)

// decoded removes the content codings of a body. A body that has an unknown coding, or does
// not begin as its coding demands, is returned as it is: it may have been stored decoded.
// release is never nil.
func decoded(body io.Reader, fields []string) (out io.Reader, release func()) {
	codings := strings.Split(strings.ToLower(strings.Join(fields, ",")), ",")
	release = func() {}
	if len(codings) > maxCodings {
		return body, release
	}
	for i := len(codings) - 1; i >= 0; i-- {
		in := bufio.NewReader(body)
		head, _ := in.Peek(4)
		switch coding := strings.TrimSpace(codings[i]); {
		case (coding == "gzip" || coding == "x-gzip") && len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
			zip, err := gzip.NewReader(in)
			if err != nil {
				return broken{err}, release
			}
			body = zip
		case coding == "deflate" && len(head) >= 2 && head[0]&0xf == 8 && (int(head[0])<<8|int(head[1]))%31 == 0:
			zip, err := zlib.NewReader(in)
			if err != nil {
				return broken{err}, release
			}
			body = zip
		case coding == "deflate":
			body = flate.NewReader(in)
		case coding == "br":
			body = brotli.NewReader(in)
		case coding == "zstd" && string(head) == "\x28\xb5\x2f\xfd":
			zip, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
			if err != nil {
				return broken{err}, release
			}
			before := release
			body, release = zip, func() { zip.Close(); before() }
		default:
			body = in
		}
	}
	return body, release
}
