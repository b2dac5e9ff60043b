package fetch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// newFetcher returns a fetcher that may connect to the servers of a test.
func newFetcher(t testing.TB, cfg Config) *Fetcher {
	t.Helper()
	cfg.AllowPrivate = true
	// What a test does not limit takes as long as it does on a busy machine.
	for _, limit := range []*time.Duration{&cfg.HeaderTimeout, &cfg.ConnectTimeout, &cfg.TLSTimeout} {
		if *limit == 0 {
			*limit = 10 * time.Minute
		}
	}
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// serve starts a server that is stopped with the test.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// serveTLS starts a server that speaks HTTP/2, and returns a pool that trusts it.
func serveTLS(t testing.TB, h http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, pool
}

// serveRaw starts a server that reads the headers of a request and then passes the connection to
// handle. It returns the server's origin.
func serveRaw(t testing.TB, handle func(conn net.Conn, requestLine string)) string {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		first, err := in.ReadString('\n')
		for line := first; err == nil && line != "\r\n"; {
			line, err = in.ReadString('\n')
		}
		handle(conn, first)
	})
}

// quiet returns a log for servers whose clients close connections on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// listen passes each connection to handle, and waits for all of them when the test ends.
func listen(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func parse(t testing.TB, s string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func request(t testing.TB, url string) fetched.Request {
	t.Helper()
	return fetched.Request{URL: parse(t, url), UserAgent: "Trawl/test", BodyLimit: 32 << 20, Timeout: 10 * time.Minute}
}

// get fetches req, and fails the test on an error.
func get(t testing.TB, f *Fetcher, req fetched.Request) *fetched.Page {
	t.Helper()
	page, err := f.Fetch(context.Background(), req)
	if err != nil {
		t.Fatalf("Fetch(%s): %v", req.URL, err)
	}
	t.Cleanup(page.Release)
	return page
}

// content reads the whole body of page.
func content(t testing.TB, page *fetched.Page) []byte {
	t.Helper()
	if page.Body == nil {
		t.Fatalf("no body; fault: %s", faultText(page))
	}
	b, err := io.ReadAll(page.Body.Reader())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func faultText(page *fetched.Page) string {
	if page.Fault == nil {
		return "none"
	}
	return string(page.Fault.Kind) + ": " + page.Fault.Text
}

// wantFault checks the fault of page.
func wantFault(t testing.TB, page *fetched.Page, kind fetched.FaultKind, passes bool) {
	t.Helper()
	if page.Fault == nil || page.Fault.Kind != kind || page.Fault.Passes != passes {
		t.Fatalf("fault: got %s (%+v), want kind %s, passes %t", faultText(page), page.Fault, kind, passes)
	}
	t.Logf("%s", faultText(page))
}

func wantNoFault(t testing.TB, page *fetched.Page) {
	t.Helper()
	if page.Fault != nil {
		t.Fatalf("fault: got %s, want none", faultText(page))
	}
}

// noise returns n bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

// prose returns n bytes of text that compress like a page.
func prose(n int) []byte {
	return bytes.Repeat([]byte("<p>The quick brown fox jumps over the lazy dog.</p>\n"), n/52+1)[:n]
}
