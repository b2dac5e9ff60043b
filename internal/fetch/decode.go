package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// maxCodings is the most stacked codings that are removed from a body.
const maxCodings = 4

// decoder removes one content coding. It is reused.
type decoder interface {
	io.Reader
	begin(r io.Reader) // starts a new body, without reading from it yet
	end()              // releases the body
}

// decoders are the idle decoders, by the name of their coding (RFC 9110, 8.4.1; RFC 7932;
// RFC 8878).
type decoders map[string]*sync.Pool

func newDecoders() *decoders {
	return &decoders{
		"gzip":    {New: func() any { return newGzipDecoder() }},
		"deflate": {New: func() any { return newDeflateDecoder() }},
		"br":      {New: func() any { return newBrotliDecoder() }},
		"zstd":    {New: func() any { return newZstdDecoder() }},
	}
}

// codingsOf returns the codings of a body in the order in which they were applied. If one
// of them is unknown, or there are too many, it returns none, and the body is kept as
// received.
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

// Bounds of the windows of decoders, in bytes. br needs its window, and half of it again
// while the window grows (RFC 7932, 9.1).
const (
	maxBrotli = 24 << 20
	maxZstd   = 2 * zstdWindow
	maxPooled = 6 << 20 // decoders that may hold more are not reused
)

// looksFar reports whether one of the codings has a larger window than the 32 KiB of gzip
// and deflate.
func looksFar(codings []string) bool {
	return slices.Contains(codings, "br") || slices.Contains(codings, "zstd")
}

// windows returns how many bytes the decoders may hold for a body that begins with head.
// For inner codings it has to assume the maximum.
func windows(codings []string, head []byte) int64 {
	var sum int64
	for i, coding := range codings {
		switch {
		case coding == "zstd": // each of its frames may have a different window
			sum += maxZstd
		case coding == "br" && i == len(codings)-1:
			sum += brotliWindow(head) * 3 / 2
		case coding == "br":
			sum += maxBrotli
		}
	}
	return sum
}

// brotliWindow returns the window size in the header of a br body (RFC 7932, 9.1).
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

// fill makes k take r without its codings. No layer may have more than limit bytes: ended
// is errSwollen if one would. It is the cause of ctx if ctx ends. windows is how many bytes
// the decoders may hold.
func (d *decoders) fill(ctx context.Context, k *keeper, r io.Reader, codings []string, windows,
	limit int64) (ended, err error) {
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
		if windows <= maxPooled {
			(*d)[coding].Put(stack[i])
		}
		if layers[i].err != nil {
			ended = layers[i].err
		}
	}
	return ended, err
}

func undecodable(codings []string, err error) *fetched.Fault {
	text := fmt.Sprintf("the body is not in Content-Encoding %q: %s", strings.Join(codings, ", "), plain.Cause(err))
	return &fetched.Fault{Kind: fetched.FaultProtocol, Text: text}
}

// errSwollen means that a decoded layer exceeds the limit for bodies, as in a decompression
// bomb whose layers each unfold into another.
var errSwollen = errors.New("a coding hides more than a body may have")

// layer is the input of one decoder: the received body, or the output of the decoder before
// it. A decoder may read much without producing output, so the limits of length and time
// are enforced here.
type layer struct {
	ctx  context.Context
	r    io.Reader
	left int64
	err  error // why it ended, other than its own end
}

func (l *layer) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if l.ctx.Err() != nil {
		l.err = context.Cause(l.ctx)
		return 0, l.err
	}
	if l.left <= 0 {
		l.err = errSwollen
		return 0, l.err
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// Decoder removes the content codings of bodies that were kept as they were received, such
// as those in WARC files. It is safe for concurrent use.
type Decoder struct{ pools *decoders }

// NewDecoder returns a decoder for the codings that a [Fetcher] removes.
func NewDecoder() *Decoder { return &Decoder{newDecoders()} }

// Decode returns up to most bytes of a body without the codings that its header names. cut
// says that there was more, or that the body broke off. A body that is not coded as its header
// says, and one with an unknown coding, is returned as it is. After the end of ctx, the body is
// cut.
func (d *Decoder) Decode(ctx context.Context, h http.Header, body []byte, most int64) (decoded []byte, cut bool) {
	codings := codingsOf(h)
	if len(codings) == 0 {
		return clip(body, most)
	}
	var r io.Reader = bytes.NewReader(body)
	for i := len(codings) - 1; i >= 0; i-- {
		pool := (*d.pools)[codings[i]]
		dec := pool.Get().(decoder)
		defer func() { dec.end(); pool.Put(dec) }()
		dec.begin(&layer{ctx: ctx, r: r, left: max(most, int64(len(body)))})
		r = dec
	}
	decoded, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil && len(decoded) == 0 {
		return clip(body, most)
	}
	decoded, cut = clip(decoded, most)
	return decoded, cut || err != nil
}

func clip(b []byte, most int64) (clipped []byte, cut bool) {
	if int64(len(b)) > most {
		return b[:most], true
	}
	return b, false
}
