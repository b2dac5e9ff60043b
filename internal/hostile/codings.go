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

// bombSize is what a bomb unfolds to: twice the usual limit of a body.
const bombSize = 64 << 20

var codings = []Misbehaviour{
	{
		Name: "gzip-bomb", Does: "sends 64 MiB as gzip of a thousandth of that",
		Trawl: "decodes as it reads, and stops at the limit", Limit: limitBody, Fate: cut,
		page: coded("gzip", bomb("gzip", "gzip-bomb")),
	}, {
		Name: "deflate-bomb", Does: "the same as deflate", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: coded("deflate", bomb("deflate", "deflate-bomb")),
	}, {
		Name: "br-bomb", Does: "the same as br, of a few hundred bytes", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: coded("br", bomb("br", "br-bomb")),
	}, {
		Name: "zstd-bomb", Does: "the same as zstd", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: coded("zstd", bomb("zstd", "zstd-bomb")),
	}, {
		Name: "bomb-in-bomb", Does: "puts gzip in gzip, each of which unfolds a thousandfold",
		Trawl: "holds each layer to the limit; of what is longer beneath, a part is decoded", Limit: limitCoded, Fate: Fate{Outcome: "fetched", Truncated: true},
		page: coded("gzip, gzip", once(func() []byte { return encode("gzip", bomb("gzip", "bomb-in-bomb")()) })),
	}, {
		Name: "bomb-in-brotli", Does: "puts br in br", Trawl: "the same", Limit: limitCoded, Fate: Fate{Outcome: "fetched", Truncated: true},
		page: coded("br, br", once(func() []byte { return encode("br", bomb("br", "bomb-in-brotli")()) })),
	}, {
		Name: "many-codings", Does: "names nine codings, one over the other",
		Trawl: "removes none: the body stays as it came", Limit: limitCodings, Fate: fetched,
		page: coded(strings.Repeat("gzip, ", 8)+"gzip", small("gzip", "many-codings")),
	}, {
		Name: "unknown-coding", Does: "names a coding that nobody knows", Trawl: "the same", Fate: fetched,
		page: coded("evil", small("", "unknown-coding")),
	}, {
		Name: "no-gzip", Does: "sends HTML and calls it gzip", Trawl: "keeps the bytes, and says what is wrong", Fate: failed("not in Content-Encoding"),
		page: coded("gzip", small("", "no-gzip")),
	}, {
		Name: "wrong-coding", Does: "sends gzip and calls it br", Trawl: "the same", Fate: failed("not in Content-Encoding"),
		page: coded("br", small("gzip", "wrong-coding")),
	}, {
		Name: "endless-no-brotli", Does: "sends what is no br, without end", Trawl: "the same", Limit: limitCoded, Fate: failed("not in Content-Encoding"),
		page: forever(okHTML+"Content-Encoding: br\r\n\r\n", "<p>this is no br "),
	}, {
		Name: "endless-nothing", Does: "sends empty members of gzip without end, which unfold to nothing",
		Trawl: "holds what is under the coding to the limit", Limit: limitCoded, Fate: Fate{Outcome: "fetched", Truncated: true},
		page: forever(okHTML+"Content-Encoding: gzip\r\n\r\n", string(encode("gzip", nil))),
	}, {
		Name: "cut-gzip", Does: "ends within gzip", Trawl: "keeps what came, marks it as truncated, and reads it", Fate: cut,
		page: coded("gzip", once(func() []byte {
			all := encode("gzip", append([]byte(hello("cut-gzip")), noise(100_000)...))
			return all[:len(all)/2]
		})),
	}, {
		Name: "wrong-checksum", Does: "sends gzip with a wrong checksum", Trawl: "the same", Fate: cut,
		page: coded("gzip", once(func() []byte {
			all := encode("gzip", []byte(hello("wrong-checksum")))
			all[len(all)-5] ^= 0xff
			return all
		})),
	}, {
		Name: "gzip-and-more", Does: "sends something else behind gzip", Trawl: "passes over it, as browsers do", Fate: read,
		page: coded("gzip", once(func() []byte { return append(encode("gzip", []byte(hello("gzip-and-more"))), "garbage"...) })),
	}, {
		Name: "far-window", Does: "sends zstd that looks back 128 MiB",
		Trawl: "takes it for no zstd of the web", Limit: limitWindow, Fate: failed("not in Content-Encoding"),
		page: coded("zstd", once(func() []byte {
			// A frame (RFC 8878, 3.1.1): no single segment, a window of 128 MiB, one raw block.
			return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x29, 0x00, 0x00, 'h', 'e', 'l', 'l', 'o'}
		})),
	}, {
		Name: "silent-brotli", Does: "begins br with the widest window, and says no more",
		Trawl: "takes a body in before it holds memory to decode it", Limit: limitRate, Fate: Fate{Outcome: "fetched", Truncated: true},
		page: waits(okHTML + "Content-Encoding: br\r\n\r\n" + string(bomb("br", "silent-brotli")()[:16])),
	},
}

// coded sends a body that is made when it is first asked for, under a coding.
func coded(coding string, body func() []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Encoding", coding)
		_, _ = w.Write(body())
	}
}

func once(make func() []byte) func() []byte { return sync.OnceValue(make) }

// small is a page that leads on, under a coding.
func small(coding, name string) func() []byte {
	return once(func() []byte { return encode(coding, []byte(hello(name))) })
}

// bomb is such a page with much of nothing behind it.
func bomb(coding, name string) func() []byte {
	return once(func() []byte {
		var out bytes.Buffer
		w := encoder(coding, &out)
		_, _ = io.WriteString(w, hello(name))
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

// noise is n bytes that can not be made shorter, the same each time.
func noise(n int) []byte {
	out := make([]byte, n)
	sum := uint32(1)
	for i := range out {
		sum = crc32.Update(sum, crc32.IEEETable, []byte{byte(i)})
		out[i] = byte(sum)
	}
	return out
}
