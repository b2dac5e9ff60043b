package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
)

// maxCodings is how many codings, one over the other, are removed from a body.
const maxCodings = 4

// decoder removes one content coding. It is used again and again.
type decoder interface {
	io.Reader
	begin(r io.Reader) // starts with a new body, of which it reads nothing yet
	end()              // lets go of the body
}

// decoders are the decoders that are not in use, by the name of their coding
// (RFC 9110, 8.4.1; RFC 7932; RFC 8878).
type decoders map[string]*sync.Pool

func newDecoders() *decoders {
	return &decoders{
		"gzip":    {New: func() any { return newGzipDecoder() }},
		"deflate": {New: func() any { return newDeflateDecoder() }},
		"br":      {New: func() any { return newBrotliDecoder() }},
		"zstd":    {New: func() any { return newZstdDecoder() }},
	}
}

// codingsOf returns the codings of a body in the order in which they were
// applied. It returns none where one of them is unknown, or where there are too
// many: such a body stays as it came.
func codingsOf(h http.Header) []string {
	values := h["Content-Encoding"]
	if len(values) == 0 {
		return nil
	}
	var codings []string
	for name := range strings.SplitSeq(strings.Join(values, ","), ",") {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "", "identity":
		case "x-gzip":
			codings = append(codings, "gzip")
		case "gzip", "deflate", "br", "zstd":
			codings = append(codings, name)
		default:
			return nil
		}
		if len(codings) > maxCodings {
			return nil
		}
	}
	return codings
}

// Bounds of what decoders hold to look back, in bytes. That of br is its window,
// and half of it again while it grows (RFC 7932, 9.1).
const (
	mostBrotli = 24 << 20
	mostZstd   = 2 * zstdWindow
	mostPooled = 6 << 20 // decoders that may hold more are not used again
)

// looksFar reports whether one of the codings looks back further than the 32 KiB
// of gzip and deflate.
func looksFar(codings []string) bool {
	return slices.Contains(codings, "br") || slices.Contains(codings, "zstd")
}

// windows is how many bytes the decoders of codings may hold, for a body that
// begins with head. Of codings beneath another nothing is known.
func windows(codings []string, head []byte) int64 {
	var sum int64
	for i, coding := range codings {
		switch {
		case coding == "zstd": // each of its frames may have another window
			sum += mostZstd
		case coding == "br" && i == len(codings)-1:
			sum += brotliWindow(head) * 3 / 2
		case coding == "br":
			sum += mostBrotli
		}
	}
	return sum
}

// brotliWindow reads the window that a br body says it has (RFC 7932, 9.1).
func brotliWindow(head []byte) int64 {
	if len(head) == 0 {
		return 0
	}
	bits := head[0]
	switch n, m := bits>>1&7, bits>>4&7; {
	case bits&1 == 0:
		return 1 << 16
	case n != 0:
		return 1 << (17 + n)
	case m == 0:
		return 1 << 17
	default:
		return 1 << (8 + m)
	}
}

// fill lets k take r in without its codings. No layer has more than limit bytes.
// ended is errSwollen where one would, and the cause of ctx where that ends. The
// decoders may hold as many bytes as windows says.
func (d *decoders) fill(ctx context.Context, k *keeper, r io.Reader, codings []string, windows, limit int64) (ended, err error) {
	var stack [maxCodings]decoder
	var layers [maxCodings]layer
	for i := len(codings) - 1; i >= 0; i-- {
		layers[i] = layer{ctx: ctx, r: r, left: limit}
		dec := (*d)[codings[i]].Get().(decoder)
		dec.begin(&layers[i])
		stack[i], r = dec, dec
	}
	ended, err = k.fill(r)
	for i, coding := range codings {
		stack[i].end()
		if windows <= mostPooled {
			(*d)[coding].Put(stack[i])
		}
		if layers[i].err != nil {
			ended = layers[i].err
		}
	}
	return ended, err
}

func undecodable(codings []string, err error) *crawler.Fault {
	text := fmt.Sprintf("the body is not in Content-Encoding %q: %s", strings.Join(codings, ", "), plain(err))
	return &crawler.Fault{Kind: crawler.FaultProtocol, Text: text}
}
