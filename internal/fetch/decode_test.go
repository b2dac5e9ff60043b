package fetch

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// encode applies codings in order. The coding "raw" is deflate without a zlib header.
func encode(t testing.TB, codings string, b []byte) []byte {
	t.Helper()
	for coding := range strings.SplitSeq(codings, ", ") {
		var out bytes.Buffer
		w := encoder(t, coding, &out)
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b = out.Bytes()
	}
	return b
}

func encoder(t testing.TB, coding string, out io.Writer) io.WriteCloser {
	t.Helper()
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewWriter(out)
	case "deflate":
		return zlib.NewWriter(out)
	case "raw":
		w, err := flate.NewWriter(out, flate.DefaultCompression)
		if err != nil {
			t.Fatal(err)
		}
		return w
	case "br":
		return brotli.NewWriterLevel(out, brotli.BestSpeed)
	case "zstd":
		w, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	t.Fatalf("no encoder for %q", coding)
	return nil
}

// fetchEncoded serves body under a Content-Encoding and fetches it.
func fetchEncoded(t *testing.T, f *Fetcher, coding string, body []byte, limit int64) *fetched.Page {
	t.Helper()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", coding)
		w.Write(body)
	})
	req := request(t, server.URL)
	req.BodyLimit = limit
	return get(t, f, req)
}

func TestCodingsAreRemoved(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	want := prose(300_000)
	for _, c := range []struct{ name, header, codings string }{
		{"gzip", "gzip", "gzip"},
		{"x-gzip", "x-gzip", "gzip"},
		{"deflate with zlib", "deflate", "deflate"},
		{"deflate without zlib", "deflate", "raw"},
		{"br", "br", "br"},
		{"zstd", "zstd", "zstd"},
		{"in capitals", "GZip", "gzip"},
		{"identity beside", "identity, gzip,", "gzip"},
		{"two layers", "br, gzip", "br, gzip"},
		{"the same layer twice", "gzip, gzip", "gzip, gzip"},
		{"four layers", "zstd, br, deflate, gzip", "zstd, br, raw, gzip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page := fetchEncoded(t, f, c.header, encode(t, c.codings, want), 1<<20)
			wantNoFault(t, page)
			if got := content(t, page); !bytes.Equal(got, want) || page.Truncated {
				t.Errorf("got %d bytes, truncated %t, want %d", len(got), page.Truncated, len(want))
			}
		})
	}
}

func TestSeveralContentEncodingHeadersAreOneList(t *testing.T) {
	t.Parallel()
	h := http.Header{"Content-Encoding": {"br", "gzip, zstd"}}
	if got, want := codingsOf(h), []string{"br", "gzip", "zstd"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBodiesInUnknownCodingsStayEncoded(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	for _, header := range []string{"rot13", "gzip, rot13", "rot13, gzip", "gzip, gzip, gzip, gzip, gzip"} {
		want := encode(t, "gzip", prose(1000))
		page := fetchEncoded(t, f, header, want, 1<<20)
		wantNoFault(t, page)
		if got := content(t, page); !bytes.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
}

func TestGzipMembersAndTrailingGarbage(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	member := encode(t, "gzip", prose(1000))
	for _, c := range []struct {
		name string
		body []byte
		want []byte
	}{
		{"two members", slices.Concat(member, member), slices.Concat(prose(1000), prose(1000))},
		{"garbage", slices.Concat(member, []byte("garbage and more of it")), prose(1000)},
		{"a little garbage", slices.Concat(member, []byte("\x1f\x8b")), prose(1000)},
		{"zeros", slices.Concat(member, make([]byte, 1000)), prose(1000)},
	} {
		page := fetchEncoded(t, f, "gzip", c.body, 1<<20)
		wantNoFault(t, page)
		if got := content(t, page); !bytes.Equal(got, c.want) || page.Truncated {
			t.Errorf("%s: got %d bytes, truncated %t, want %d", c.name, len(got), page.Truncated, len(c.want))
		}
	}
}

func TestBombsAreCutAtTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	f := newFetcher(t, Config{HeadBytes: limit / 4})
	for codings, size := range map[string]int{
		"gzip": 1 << 30, "deflate": 64 << 20, "br": 64 << 20, "zstd": 64 << 20, "gzip, gzip": 64 << 20,
	} {
		t.Run(codings, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", codings)
				bomb(t, codings, size, w)
			})
			req := request(t, server.URL)
			req.BodyLimit = limit
			page := get(t, f, req)
			wantNoFault(t, page)
			if !page.Truncated || page.Body.Size != limit {
				t.Errorf("got %d bytes, truncated %t, want %d, cut", page.Body.Size, page.Truncated, limit)
			}
		})
	}
}

// bomb writes size zeros with the codings, and stops if out returns an error.
func bomb(t testing.TB, codings string, size int, out io.Writer) {
	for _, coding := range slices.Backward(strings.Split(codings, ", ")) {
		w := encoder(t, coding, out)
		defer w.Close()
		out = w
	}
	zeros := make([]byte, 1<<20)
	for range size / len(zeros) {
		if _, err := out.Write(zeros); err != nil {
			return
		}
	}
}

func TestTheDecodedPartOfACorruptBodyIsKept(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		whole := encode(t, coding, noise(300_000))
		for name, body := range map[string][]byte{
			"cut in the middle": whole[:200_000],
			"garbled":           slices.Concat(whole[:200_000], bytes.Repeat([]byte{0xff}, 100_000)),
		} {
			page := fetchEncoded(t, f, coding, body, 1<<20)
			wantNoFault(t, page)
			got := content(t, page)
			if !page.Truncated || len(got) == 0 || !bytes.HasPrefix(noise(300_000), got[:min(len(got), 60_000)]) {
				t.Errorf("%s, %s: got %d bytes, truncated %t, want a beginning, truncated", coding, name, len(got),
					page.Truncated)
			}
		}
	}
}

func TestABodyThatIsNotInItsCodingIsKeptUndecoded(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	for _, coding := range []string{"gzip", "deflate", "br", "zstd", "br, gzip"} {
		for _, size := range []int{1, 5, 1000, 200_000} {
			body := bytes.Repeat([]byte("\xff<p>"), size/4+1)[:size]
			page := fetchEncoded(t, f, coding, body, 1<<20)
			wantFault(t, page, fetched.FaultProtocol, false)
			if got := content(t, page); !bytes.Equal(got, body) || page.Truncated {
				t.Errorf("%s: got %d bytes, truncated %t, want %d bytes, undecoded", coding, len(got), page.Truncated,
					size)
			}
		}
	}
}

func TestALongUndecodableBeginningIsCut(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 50_000) // empty stored blocks of deflate
	body = append(body, 0xff)
	page := fetchEncoded(t, newFetcher(t, Config{}), "deflate", body, 1<<20)
	wantFault(t, page, fetched.FaultProtocol, false)
	if !page.Truncated || page.Body.Size != int64(len(chunk{})) {
		t.Errorf("got %d bytes, truncated %t, want %d, cut", page.Body.Size, page.Truncated, len(chunk{}))
	}
}

func TestAZstdWindowAboveTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(2*zstdWindow), zstd.WithEncoderConcurrency(1),
		zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(make([]byte, 3*zstdWindow))
	w.Close()
	page := fetchEncoded(t, newFetcher(t, Config{}), "zstd", out.Bytes(), 1<<20)
	wantFault(t, page, fetched.FaultProtocol, false)
}

// FuzzDecoders decodes arbitrary bodies. Decoding must end, keep to the limit, and do the same
// with a reused decoder.
func FuzzDecoders(f *testing.F) {
	all := []string{"gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate"}
	for i, codings := range all {
		whole := encode(f, codings, prose(5000))
		f.Add(uint8(i), whole)
		f.Add(uint8(i), whole[:len(whole)/2])
		f.Add(uint8(i), []byte("<html>"))
	}
	fetcher := newFetcher(f, Config{HeadBytes: 128 << 10})
	decode := func(t *testing.T, codings []string, data []byte) string {
		const limit = 200 << 10
		d := startDeadline(t.Context(), time.Hour)
		defer d.stop()
		page := &fetched.Page{}
		a := &answer{f: fetcher, deadline: d, src: &source{r: bytes.NewReader(data)}, codings: codings, page: page}
		k := fetcher.keeper(d, limit, -1, false)
		ended, err := a.decode(k)
		if err != nil {
			t.Fatal(err)
		}
		page.Body = k.body()
		defer page.Release()
		if page.Body.Size > limit || fetcher.memory.held.Load() > fetcher.cfg.Memory {
			t.Fatalf("%d bytes were kept of at most %d", page.Body.Size, limit)
		}
		return fmt.Sprintf("%d bytes, %x, ended %v, fault %s", page.Body.Size, page.Body.Digest, ended, faultText(page))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		codings := strings.Split(all[int(which)%len(all)], ", ")
		if first, again := decode(t, codings, data), decode(t, codings, data); first != again {
			t.Errorf("first:  %s\nsecond: %s", first, again)
		}
	})
}
