package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

func TestAPageHoldsTheServersResponse(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Colour", "green")
		w.WriteHeader(http.StatusNotFound)
		w.Write(prose(1000))
	})
	req := request(t, server.URL+"/nowhere")
	page := get(t, newFetcher(t, Config{}), req)
	wantNoFault(t, page)
	if page.URL != req.URL || page.Status != 404 || page.Proto != "HTTP/1.1" || page.Header.Get("X-Colour") != "green" {
		t.Errorf("got %+v", page)
	}
	if page.Truncated || page.Duration <= 0 || page.Started.IsZero() || !page.Location.IsZero() {
		t.Errorf("got %+v", page)
	}
	if got := content(t, page); string(got) != string(prose(1000)) || page.Body.Size != 1000 {
		t.Errorf("body: got %d bytes, size %d, want 1000", len(got), page.Body.Size)
	}
	if page.Body.Digest != sha256.Sum256(prose(1000)) {
		t.Errorf("digest: got %x", page.Body.Digest)
	}
}

func TestResponsesWithoutABody(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
	})
	f := newFetcher(t, Config{})
	for _, status := range []int{200, 204, 205, 404, 500} {
		page := get(t, f, request(t, fmt.Sprintf("%s/%d", server.URL, status)))
		wantNoFault(t, page)
		if page.Body == nil || page.Body.Size != 0 || page.Body.Digest != sha256.Sum256(nil) || page.Truncated {
			t.Errorf("%d: got %+v, want an empty body", status, page.Body)
		}
	}
	page := get(t, f, request(t, server.URL+"/304"))
	wantNoFault(t, page)
	if page.Body != nil || page.Header == nil {
		t.Errorf("304: got body %+v, header %v, want no body", page.Body, page.Header)
	}
}

func TestARedirectIsResolvedAndNotFollowed(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(http.StatusFound)
		w.Write(prose(1000))
	})
	f := newFetcher(t, Config{})
	for _, c := range []struct{ name, to, want string }{
		{"absolute", "https://example.com/a", "https://example.com/a"},
		{"relative", "b%3Fc", server.URL + "/dir/b?c"},
		{"with a fragment", "/b%23c", server.URL + "/b"},
		{"to another scheme", "mailto:a@example.com", ""},
		{"nowhere", "", ""},
		{"to an invalid URL", "http://%5B", ""},
	} {
		page := get(t, f, request(t, server.URL+"/dir/a?to="+c.to))
		wantNoFault(t, page)
		if page.Location.String() != c.want || page.Status != 302 || page.Body != nil {
			t.Errorf("%s: got %q (status %d, body %v), want %q", c.name, page.Location, page.Status, page.Body, c.want)
		}
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		serve http.HandlerFunc
	}{
		{"after a page", func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(100_000)) }},
		{"after a redirect", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusFound)
			w.Write(prose(30_000))
		}},
		{"after a gzip page in chunks", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(encode(t, "gzip", prose(100_000)))
			w.(http.Flusher).Flush()
		}},
		{"after a deflate page with garbage behind", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "deflate")
			w.Write(encode(t, "deflate", prose(100_000)))
			w.Write(noise(10_000))
		}},
		{"after an undecodable page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(prose(100_000))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			peers := make(chan string, 3)
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				peers <- r.RemoteAddr
				c.serve(w, r)
			})
			f := newFetcher(t, Config{})
			for range cap(peers) {
				get(t, f, request(t, server.URL))
			}
			if a, b, c := <-peers, <-peers, <-peers; a != b || b != c {
				t.Errorf("got connections from %s, %s, %s, want one", a, b, c)
			}
		})
	}
}

func TestABodyAboveItsLimitIsCutAndItsConnectionClosed(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var err error
		for err == nil {
			_, err = w.Write(prose(1 << 20))
		}
		closed <- err
	})
	req := request(t, server.URL)
	req.BodyLimit = 1<<20 + 1
	page := get(t, newFetcher(t, Config{HeadBytes: 1 << 20}), req)
	wantNoFault(t, page)
	if !page.Truncated || page.Body.Size != req.BodyLimit || len(content(t, page)) != int(req.BodyLimit) {
		t.Errorf("got %d bytes, truncated %t, want %d, cut", page.Body.Size, page.Truncated, req.BodyLimit)
	}
	<-closed
}

func TestABodyOfExactlyItsLimitIsWhole(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(1000)) })
	req := request(t, server.URL)
	req.BodyLimit = 1000
	page := get(t, newFetcher(t, Config{}), req)
	if page.Truncated || page.Body.Size != 1000 {
		t.Errorf("got %d bytes, truncated %t, want 1000, whole", page.Body.Size, page.Truncated)
	}
}

func TestAnInterruptedBodyIsATemporaryFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, answer, kept string }{
		{"before its length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", "hello"},
		{"within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nhello", "hello"},
		{"before the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello"},
		{"within gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n" +
			string(encode(t, "gzip", []byte("hello"))), "hello"},
		{"before gzip began", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n\x1f", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin := serveRaw(t, func(conn net.Conn, _ string) { conn.Write([]byte(c.answer)) })
			page := get(t, newFetcher(t, Config{}), request(t, origin))
			wantFault(t, page, fetched.FaultReset, true)
			if got := string(content(t, page)); got != c.kept || !page.Truncated || page.Status != 200 {
				t.Errorf("got %q, truncated %t, want %q, truncated", got, page.Truncated, c.kept)
			}
		})
	}
}

func TestABodyIsCutAtItsContentLength(t *testing.T) {
	t.Parallel()
	origin := serveRaw(t, func(conn net.Conn, _ string) {
		conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world"))
	})
	page := get(t, newFetcher(t, Config{}), request(t, origin))
	wantNoFault(t, page)
	if got := string(content(t, page)); got != "hello" || page.Truncated {
		t.Errorf("got %q, truncated %t, want hello", got, page.Truncated)
	}
}

func TestABodyWithoutLengthEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	origin := serveRaw(t, func(conn net.Conn, _ string) {
		conn.Write([]byte("HTTP/1.0 200 OK\r\n\r\nhello"))
	})
	page := get(t, newFetcher(t, Config{}), request(t, origin))
	wantNoFault(t, page)
	if got := string(content(t, page)); got != "hello" || page.Truncated {
		t.Errorf("got %q, truncated %t, want hello", got, page.Truncated)
	}
}

func TestACancelledContextEndsTheRequestWithItsError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		begin func(http.ResponseWriter)
	}{
		{"before the answer", func(http.ResponseWriter) {}},
		{"within the body", func(w http.ResponseWriter) {
			w.Write(prose(100))
			w.(http.Flusher).Flush()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(context.Background())
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				c.begin(w)
				cancel()
				<-r.Context().Done()
			})
			page, err := newFetcher(t, Config{}).Fetch(ctx, request(t, server.URL))
			if page != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("got %+v, %v, want %v", page, err, context.Canceled)
			}
		})
	}
}

func TestARequestWithoutLimitsIsAnError(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	_, err := f.Fetch(context.Background(), fetched.Request{URL: parse(t, "http://example.com/")})
	if err == nil || !strings.Contains(err.Error(), "must be more than 0") {
		t.Errorf("got %v", err)
	}
}

func TestConfigNamesTheFieldThatIsOutOfRange(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]Config{
		"Memory is -1":    {Memory: -1},
		"TLSTimeout is":   {TLSTimeout: -1},
		"temporary file":  {TempDir: t.TempDir() + "/absent"},
		"HeadBytes is -5": {HeadBytes: -5},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
