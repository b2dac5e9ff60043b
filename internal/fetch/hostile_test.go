package fetch

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// endless writes text repeatedly until the client closes the connection.
func endless(text string) func(net.Conn) {
	return func(conn net.Conn) {
		chunk := []byte(strings.Repeat(text, 4096/len(text)+1))
		for {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	}
}

// after writes begin and then calls then.
func after(begin string, then func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Write([]byte(begin))
		then(conn)
	}
}

// trickle writes one byte every 20 ms.
func trickle(conn net.Conn) {
	for {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestEndlessResponsesAreCut(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		kind   fetched.FaultKind // "" if the body is cut without a fault
	}{
		{"a status line", after("HTTP/1.1 200 ", endless("x")), fetched.FaultProtocol},
		{"no line at all", endless("x"), fetched.FaultProtocol},
		{"one header", after(ok+"A: ", endless("x")), fetched.FaultProtocol},
		{"headers", after(ok, endless("A: b\r\n")), fetched.FaultProtocol},
		{"continued headers", after(ok+"A: b\r\n", endless(" b\r\n")), fetched.FaultProtocol},
		{"interim answers", endless("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), fetched.FaultProtocol},
		{"100 Continue", endless("HTTP/1.1 100 Continue\r\n\r\n"), fetched.FaultProtocol},
		{"a body without a length", after(ok+"\r\n", endless("x")), ""},
		{"chunks", after(ok+"Transfer-Encoding: chunked\r\n\r\n", endless("1\r\nx\r\n")), ""},
		{"large chunks", after(ok+"Transfer-Encoding: chunked\r\n\r\n",
			endless("1000\r\n"+strings.Repeat("x", 4096)+"\r\n")), ""},
		{"a chunk's extension", after(ok+"Transfer-Encoding: chunked\r\n\r\n1;", endless("x")), fetched.FaultProtocol},
		{"trailers", after(ok+"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", endless("A: b\r\n")),
			fetched.FaultProtocol},
		{"empty members of gzip", after(ok+"Content-Encoding: gzip\r\n\r\n", endless(string(encode(t, "gzip", nil)))),
			""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin := serveRaw(t, func(conn net.Conn, _ string) { c.answer(conn) })
			req := request(t, origin)
			req.BodyLimit = 1 << 16 // of chunks of a byte, a busy machine reads no more in a minute
			page := get(t, newFetcher(t, Config{}), req)
			if c.kind != "" {
				if page.Fault == nil || page.Fault.Kind != c.kind && page.Fault.Kind != fetched.FaultReset {
					t.Fatalf("got %s, want %s", faultText(page), c.kind)
				}
				return
			}
			wantNoFault(t, page)
			if !page.Truncated || page.Body.Size > req.BodyLimit {
				t.Errorf("got %d bytes, truncated %t, want a cut body", page.Body.Size, page.Truncated)
			}
		})
	}
}

func TestTooManyHeadersAreAFault(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 60 {
			w.Header().Add(fmt.Sprintf("X-%d", i%30), "x")
		}
	})
	page := get(t, newFetcher(t, Config{MaxHeaders: 50}), request(t, server.URL))
	wantFault(t, page, fetched.FaultProtocol, false)
	if page.Header != nil || page.Status != 200 {
		t.Errorf("kept status %d and %d headers", page.Status, len(page.Header))
	}
	wantNoFault(t, get(t, newFetcher(t, Config{MaxHeaders: 70}), request(t, server.URL)))
}

func TestASilentServerTimesOut(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	cfg := Config{HeaderTimeout: 200 * time.Millisecond, TLSTimeout: 200 * time.Millisecond,
		RateWindow: 200 * time.Millisecond}
	for _, c := range []struct {
		name, scheme string
		answer       func(net.Conn)
		kind         fetched.FaultKind
	}{
		{"in the handshake", "https", silent, fetched.FaultTLS},
		{"in the handshake, byte by byte", "https", after("\x16\x03\x03\x3f\xff", trickle), fetched.FaultTLS},
		{"before its headers", "http", silent, fetched.FaultTimeout},
		{"within its headers", "http", after(ok+"A: b\r\n", silent), fetched.FaultTimeout},
		{"within its headers, byte by byte", "http", after(ok+"A: ", trickle), fetched.FaultTimeout},
		{"after an interim answer", "http", after("HTTP/1.1 100 Continue\r\n\r\n", silent), fetched.FaultTimeout},
		{"before its body", "http", after(ok+"Content-Length: 10\r\n\r\n", silent), fetched.FaultTimeout},
		{"before its body under a coding", "http", after(ok+"Content-Encoding: br\r\n\r\n", silent),
			fetched.FaultTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin := ""
			if c.scheme == "https" {
				origin = strings.Replace(listen(t, c.answer), "http", "https", 1)
			} else {
				origin = serveRaw(t, func(conn net.Conn, _ string) { c.answer(conn) })
			}
			req := request(t, origin)
			req.Timeout, req.MinRate = time.Hour, 1000
			page := get(t, newFetcher(t, cfg), req)
			wantFault(t, page, c.kind, true)
		})
	}
}

func TestTheReceivedPartOfASlowBodyIsKept(t *testing.T) {
	t.Parallel()
	cfg := Config{RateWindow: 200 * time.Millisecond}
	compressed := string(encode(t, "gzip", noise(100_000)))
	brotlied := string(encode(t, "br", noise(100_000)))
	for _, c := range []struct {
		name, header, begin string
		then                func(net.Conn)
	}{
		{"stops", "", "hello", silent},
		{"trickles", "", "hello", trickle},
		{"stops, gzip", "Content-Encoding: gzip\r\n", compressed[:50_000], silent},
		{"trickles, br", "Content-Encoding: br\r\n", brotlied[:50_000], trickle},
		{"stops within a chunk", "Transfer-Encoding: chunked\r\n", "100\r\nhello", silent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin := serveRaw(t, func(conn net.Conn, _ string) {
				after("HTTP/1.1 200 OK\r\n"+c.header+"\r\n"+c.begin, c.then)(conn)
			})
			req := request(t, origin)
			req.Timeout, req.MinRate = time.Hour, 1000
			page := get(t, newFetcher(t, cfg), req)
			wantNoFault(t, page)
			if !page.Truncated || page.Body.Size < 5 {
				t.Errorf("got %d bytes, truncated %t, want the received part, cut", page.Body.Size, page.Truncated)
			}
		})
	}
}

// slowReader waits before each read, and returns at most the given number of bytes.
type slowReader struct {
	pause time.Duration
	bytes int
}

func (s slowReader) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	return min(s.bytes, len(p)), nil
}

func TestTheRateOfABodyIsMeasuredOnlyDuringReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		body   slowReader
		own    time.Duration // time spent by the fetcher after each read
		passes bool
	}{
		{"fast enough", slowReader{871 * time.Millisecond, 100}, 0, true},
		{"one read per window", slowReader{8713 * time.Millisecond, 1000}, 0, true},
		{"too slow", slowReader{871 * time.Millisecond, 80}, 0, false},
		{"nothing at all", slowReader{time.Hour, 99}, 0, false},
		{"fast, and the fetcher is slow", slowReader{time.Millisecond, 100}, time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := startDeadline(t.Context(), 10*365*24*time.Hour)
				defer d.stop()
				m := newMeter(d, 100, 10*time.Second)
				p := make([]byte, 4096)
				for range 1000 {
					m.readFrom(c.body, p)
					time.Sleep(c.own)
				}
				if d.slow() == c.passes {
					t.Errorf("too slow: %t, want %t", d.slow(), !c.passes)
				}
			})
		})
	}
}

// nest encodes zeros with a coding, once per layer. Each layer decodes to about a thousand times
// its length.
func nest(t *testing.T, coding string, layers int) []byte {
	b := make([]byte, 64<<20)
	for range layers {
		b = encode(t, coding, b)
	}
	return b
}

func TestNestedBombsEnd(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	empty := bytes.Repeat(encode(t, "gzip", nil), 1<<20/20)
	for name, body := range map[string]struct {
		coding string
		bytes  []byte
	}{
		"gzip in gzip":               {"gzip, gzip", nest(t, "gzip", 2)},
		"gzip thrice":                {"gzip, gzip, gzip", nest(t, "gzip", 3)},
		"br in br":                   {"br, br", nest(t, "br", 2)},
		"many empty members in gzip": {"gzip, gzip", encode(t, "gzip", bytes.Repeat(empty, 64))},
		"many empty members in br":   {"gzip, br", encode(t, "br", bytes.Repeat(empty, 64))},
		"more layers than announced": {"gzip", nest(t, "gzip", 2)},
	} {
		t.Run(name, func(t *testing.T) {
			page := fetchEncoded(t, f, body.coding, body.bytes, 1<<20)
			if page.Fault != nil && page.Fault.Kind != fetched.FaultProtocol {
				t.Errorf("got %s", faultText(page))
			}
			if page.Body.Size > 1<<20 {
				t.Errorf("got %d bytes", page.Body.Size)
			}
		})
	}
}

func TestADecoderEndsAtTheDeadlineOfItsRequest(t *testing.T) {
	t.Parallel()
	d := startDeadline(t.Context(), time.Hour)
	f := newFetcher(t, Config{})
	empty := encode(t, "gzip", nil)
	d.cancel(errDeadline)
	k := f.keeper(d, 1<<20, -1, false)
	ended, err := f.decoders.fill(d.ctx, k, &cycle{empty, 0}, []string{"gzip"}, 0, 1<<60)
	if err != nil || ended != errDeadline {
		t.Errorf("ended with %v, %v, want %v", ended, err, errDeadline)
	}
	k.body().Release()
}

// cycle reads the same bytes forever.
type cycle struct {
	bytes []byte
	at    int
}

func (c *cycle) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.bytes[c.at]
		c.at = (c.at + 1) % len(c.bytes)
	}
	return len(p), nil
}

func TestDecoderWindowsOfAllBodiesAreBounded(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{Windows: 40 << 20})
	var big bytes.Buffer
	w := brotli.NewWriterOptions(&big, brotli.WriterOptions{Quality: 5, LGWin: 24})
	w.Write(noise(100_000))
	w.Close()
	done := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		w.Write(big.Bytes())
	})
	for range 20 {
		go func() {
			defer func() { done <- struct{}{} }()
			page, err := f.Fetch(t.Context(), request(t, server.URL))
			if err != nil || page.Fault != nil || page.Body.Size != 100_000 {
				t.Errorf("got %+v, %v", page, err)
				return
			}
			page.Release()
		}()
	}
	for range 20 {
		<-done
	}
	if peak := f.windows.peak.Load(); peak != maxBrotli {
		t.Errorf("peak of %d bytes of windows, want %d, that of one body", peak, maxBrotli)
	}
	if held := f.windows.held.Load(); held != 0 {
		t.Errorf("%d bytes of windows are still held", held)
	}
}

func TestBrotliWindowsAreParsed(t *testing.T) {
	t.Parallel()
	for lgwin := 10; lgwin <= 24; lgwin++ {
		var out bytes.Buffer
		w := brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: 2, LGWin: lgwin})
		w.Write(noise(10))
		w.Close()
		if got := brotliWindow(out.Bytes()); got < 1<<lgwin || got > 1<<24 {
			t.Errorf("a window of 1<<%d is parsed as %d", lgwin, got)
		}
	}
	if brotliWindow(nil) != 0 || brotliWindow([]byte{0}) != 1<<16 || brotliWindow([]byte{0x0f}) != 1<<24 {
		t.Error("windows are parsed wrong")
	}
}

// The server writes HTTP/2 frames with a header block that never ends.
func TestAnHTTP2HeaderFloodEnds(t *testing.T) {
	t.Parallel()
	server, pool := serveTLS(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5000 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
		}
	})
	page := get(t, newFetcher(t, Config{rootCAs: pool}), request(t, server.URL))
	if page.Fault == nil || page.Header != nil {
		t.Errorf("got %s and %d headers", faultText(page), len(page.Header))
	}
}
