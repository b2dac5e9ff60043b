package hostile

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// bombSize is the decoded size of a bomb: twice the default limit of a body.
const bombSize = 64 << 20

var codings = []Misbehaviour{
	{
		Name: "gzip-bomb", Does: "sends 64 MiB, compressed a thousandfold with gzip",
		Trawl: "decodes while reading, and stops at the limit", Limit: limitBody, Fate: cut,
		page: coded("gzip", bomb("gzip", "gzip-bomb")),
	}, {
		Name: "deflate-bomb", Does: "does the same with deflate", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: coded("deflate", bomb("deflate", "deflate-bomb")),
	}, {
		Name: "br-bomb", Does: "does the same with br, in a few hundred bytes", Trawl: "the same", Limit: limitBody,
		Fate: cut,
		page: coded("br", bomb("br", "br-bomb")),
	}, {
		Name: "zstd-bomb", Does: "does the same with zstd", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: coded("zstd", bomb("zstd", "zstd-bomb")),
	}, {
		Name: "bomb-in-bomb", Does: "nests gzip in gzip, each of which expands a thousandfold",
		Trawl: "applies the limit to each layer; decodes only a part of a longer inner layer", Limit: limitCoded,
		Fate: Fate{Outcome: "fetched", Truncated: true},
		page: coded("gzip, gzip", once(func() []byte { return encode("gzip", bomb("gzip", "bomb-in-bomb")()) })),
	}, {
		Name: "bomb-in-brotli", Does: "nests br in br", Trawl: "the same", Limit: limitCoded,
		Fate: Fate{Outcome: "fetched", Truncated: true},
		page: coded("br, br", once(func() []byte { return encode("br", bomb("br", "bomb-in-brotli")()) })),
	}, {
		Name: "many-codings", Does: "declares nine layers of codings",
		Trawl: "decodes none: the body stays as it is", Limit: limitCodings, Fate: fetched,
		page: coded(strings.Repeat("gzip, ", 8)+"gzip", small("gzip", "many-codings")),
	}, {
		Name: "unknown-coding", Does: "declares an unknown coding", Trawl: "the same", Fate: fetched,
		page: coded("evil", small("", "unknown-coding")),
	}, {
		Name: "no-gzip", Does: "sends HTML declared as gzip", Trawl: "keeps the bytes and reports the error",
		Fate: failed("not in Content-Encoding"),
		page: coded("gzip", small("", "no-gzip")),
	}, {
		Name: "wrong-coding", Does: "sends gzip declared as br", Trawl: "the same",
		Fate: failed("not in Content-Encoding"),
		page: coded("br", small("gzip", "wrong-coding")),
	}, {
		Name: "endless-no-brotli", Does: "sends endless data declared as br that is not br", Trawl: "the same",
		Limit: limitCoded, Fate: failed("not in Content-Encoding"),
		page: endless(okHTML+"Content-Encoding: br\r\n\r\n", "<p>this is no br "),
	}, {
		Name: "endless-nothing", Does: "sends endless empty gzip members, which decode to nothing",
		Trawl: "applies the limit to the encoded bytes as well", Limit: limitCoded,
		Fate: Fate{Outcome: "fetched", Truncated: true},
		page: endless(okHTML+"Content-Encoding: gzip\r\n\r\n", string(encode("gzip", nil))),
	}, {
		Name: "cut-gzip", Does: "ends in the middle of gzip data",
		Trawl: "keeps what came, marks it as truncated, and parses it", Fate: cut,
		page: coded("gzip", once(func() []byte {
			all := encode("gzip", append([]byte(pageStart("cut-gzip")), randomBytes(100_000)...))
			return all[:len(all)/2]
		})),
	}, {
		Name: "wrong-checksum", Does: "sends gzip with a wrong checksum", Trawl: "the same", Fate: cut,
		page: coded("gzip", once(func() []byte {
			all := encode("gzip", []byte(pageStart("wrong-checksum")))
			all[len(all)-5] ^= 0xff
			return all
		})),
	}, {
		Name: "gzip-and-more", Does: "sends other data after the gzip data", Trawl: "ignores it, as browsers do",
		Fate: read,
		page: coded("gzip", once(func() []byte {
			return append(encode("gzip", []byte(pageStart("gzip-and-more"))),
				"garbage"...)
		})),
	}, {
		Name: "far-window", Does: "sends zstd with a window of 128 MiB",
		Trawl: "rejects the body: its window is too large for HTTP", Limit: limitWindow,
		Fate: failed("not in Content-Encoding"),
		page: coded("zstd", once(func() []byte {
			// A frame (RFC 8878, 3.1.1): no single segment, a window of 128 MiB, one raw block.
			return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x29, 0x00, 0x00, 'h', 'e', 'l', 'l', 'o'}
		})),
	}, {
		Name: "silent-brotli", Does: "begins br data with the largest window, then stops",
		Trawl: "receives data before it holds memory to decode it", Limit: limitRate,
		Fate: Fate{Outcome: "fetched", Truncated: true},
		page: func(w http.ResponseWriter, r *http.Request) {
			hangAfter(okHTML+"Content-Encoding: br\r\n\r\n"+string(silentBrotli()[:16]))(w, r)
		},
	},
}

// silentBrotli takes time, and the tests of all packages with a limit in the table import this one: so
// it is made at the first request.
var silentBrotli = bomb("br", "silent-brotli")

// coded serves a body with a Content-Encoding. body is called at the first request.
func coded(coding string, body func() []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Encoding", coding)
		_, _ = w.Write(body())
	}
}

func once(make func() []byte) func() []byte { return sync.OnceValue(make) }

// small returns a small encoded page with a link.
func small(coding, name string) func() []byte {
	return once(func() []byte { return encode(coding, []byte(pageStart(name))) })
}

// bomb returns an encoded page with a link, followed by bombSize zero bytes.
func bomb(coding, name string) func() []byte {
	return once(func() []byte {
		var out bytes.Buffer
		w := encoder(coding, &out)
		_, _ = io.WriteString(w, pageStart(name))
		block := make([]byte, 1<<20)
		for range bombSize >> 20 {
			_, _ = w.Write(block)
		}
		_ = w.Close()
		return out.Bytes()
	})
}

func encode(coding string, plain []byte) []byte {
	if coding == "" {
		return plain
	}
	var out bytes.Buffer
	w := encoder(coding, &out)
	_, _ = w.Write(plain)
	_ = w.Close()
	return out.Bytes()
}

func encoder(coding string, out io.Writer) io.WriteCloser {
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w, err = gzip.NewWriterLevel(out, gzip.BestSpeed)
	case "deflate":
		w, err = zlib.NewWriterLevel(out, zlib.BestSpeed)
	case "br":
		w = brotli.NewWriterOptions(out, brotli.WriterOptions{Quality: 1, LGWin: 24})
	case "zstd":
		w, err = zstd.NewWriter(out, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	default:
		err = fmt.Errorf("no coding %q", coding)
	}
	if err != nil {
		panic("hostile: " + err.Error())
	}
	return w
}

// randomBytes returns n incompressible bytes, the same on each call.
func randomBytes(n int) []byte {
	out := make([]byte, n)
	sum := uint32(1)
	for i := range out {
		sum = crc32.Update(sum, crc32.IEEETable, []byte{byte(i)})
		out[i] = byte(sum)
	}
	return out
}
