package fetch

import (
	"fmt"
	"io"
	"net/http"
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

// fill lets k take r in without its codings.
func (d *decoders) fill(k *keeper, r io.Reader, codings []string) (ended, err error) {
	var stack [maxCodings]decoder
	for i := len(codings) - 1; i >= 0; i-- {
		dec := (*d)[codings[i]].Get().(decoder)
		dec.begin(r)
		stack[i], r = dec, dec
	}
	ended, err = k.fill(r)
	for i, coding := range codings {
		stack[i].end()
		(*d)[coding].Put(stack[i])
	}
	return ended, err
}

func undecodable(codings []string, err error) *crawler.Fault {
	text := fmt.Sprintf("the body is not in Content-Encoding %q: %s", strings.Join(codings, ", "), plain(err))
	return &crawler.Fault{Kind: crawler.FaultProtocol, Text: text}
}
