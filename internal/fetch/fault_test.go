package fetch

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

func TestInvalidResponses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		kind   fetched.FaultKind
		passes bool
	}{
		{"closed without a response", func(net.Conn) {}, fetched.FaultReset, true},
		{"closed within the headers", write("HTTP/1.1 200 OK\r\nServer: x\r\n"), fetched.FaultReset, true},
		{"reset", func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }, fetched.FaultReset, true},
		{"not HTTP", write("SSH-2.0-OpenSSH_9.6\r\n"), fetched.FaultProtocol, false},
		{"an invalid status", write("HTTP/1.1 abc OK\r\n\r\n"), fetched.FaultProtocol, false},
		{"two lengths", write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
			fetched.FaultProtocol, false},
		{"a flood of headers", flood("HTTP/1.1 200 OK\r\n", "X-Flood: "+strings.Repeat("x", 1000)+"\r\n"),
			fetched.FaultProtocol, false},
		{"a header without end", flood("HTTP/1.1 200 OK\r\nX-Flood: ", strings.Repeat("x", 1000)),
			fetched.FaultProtocol, false},
		{"a flood of interim answers", flood("", "HTTP/1.1 100 Continue\r\n\r\n"), fetched.FaultProtocol, false},
		{"an invalid chunk", write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
			fetched.FaultProtocol, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin := serveRaw(t, func(conn net.Conn, _ string) { c.answer(conn) })
			page := get(t, newFetcher(t, Config{}), request(t, origin))
			wantFault(t, page, c.kind, c.passes)
			if page.Address.String() != strings.TrimPrefix(origin, "http://") {
				t.Errorf("address: got %s, want that of %s", page.Address, origin)
			}
			if strings.Contains(page.Fault.Text, "net/http") || strings.Contains(page.Fault.Text, "Get ") {
				t.Errorf("text: got %q, want no text of net/http", page.Fault.Text)
			}
		})
	}
}

// write writes a response.
func write(answer string) func(net.Conn) {
	return func(conn net.Conn) { conn.Write([]byte(answer)) }
}

// flood writes start, and then more until the client closes the connection.
func flood(start, more string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := conn.Write([]byte(start))
		for err == nil {
			_, err = conn.Write([]byte(more))
		}
	}
}

func TestARefusedConnectionIsATemporaryFault(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	page := get(t, newFetcher(t, Config{}), request(t, "http://"+l.Addr().String()))
	wantFault(t, page, fetched.FaultConnect, true)
	if want := "cannot connect to " + l.Addr().String() + ": connection refused"; page.Fault.Text != want {
		t.Errorf("text: got %q, want %q", page.Fault.Text, want)
	}
	if page.Header != nil || page.Address.IsValid() {
		t.Errorf("got %+v, want neither header nor address", page)
	}
}

// silent sends nothing until the client closes the connection.
func silent(conn net.Conn) {
	var b [1024]byte
	for {
		if _, err := conn.Read(b[:]); err != nil {
			return
		}
	}
}

func TestASilentServerIsATimeout(t *testing.T) {
	t.Parallel()
	t.Run("headers", func(t *testing.T) {
		t.Parallel()
		page := get(t, newFetcher(t, Config{HeaderTimeout: 20 * time.Millisecond}), request(t, listen(t, silent)))
		wantFault(t, page, fetched.FaultTimeout, true)
		if page.Fault.Text != "no answer within 20ms" {
			t.Errorf("text: got %q", page.Fault.Text)
		}
	})
	t.Run("whole response", func(t *testing.T) {
		t.Parallel()
		req := request(t, listen(t, silent))
		req.Timeout = 20 * time.Millisecond
		page := get(t, newFetcher(t, Config{}), req)
		wantFault(t, page, fetched.FaultTimeout, true)
		if page.Fault.Text != "no whole answer within 20ms" {
			t.Errorf("text: got %q", page.Fault.Text)
		}
	})
	t.Run("handshake", func(t *testing.T) {
		t.Parallel()
		origin := strings.Replace(listen(t, silent), "http:", "https:", 1)
		page := get(t, newFetcher(t, Config{TLSTimeout: 20 * time.Millisecond}), request(t, origin))
		wantFault(t, page, fetched.FaultTLS, true)
	})
	t.Run("within the body", func(t *testing.T) {
		t.Parallel()
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Write(prose(100))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		req := request(t, server.URL)
		req.Timeout = 200 * time.Millisecond
		page := get(t, newFetcher(t, Config{}), req)
		wantFault(t, page, fetched.FaultTimeout, true)
		if page.Status == 200 && (page.Body.Size != 100 || !page.Truncated) {
			t.Errorf("got %d bytes, truncated %t, want 100, truncated", page.Body.Size, page.Truncated)
		}
	})
}

func TestAFailedTLSHandshakeIsAPermanentFault(t *testing.T) {
	t.Parallel()
	server, pool := serveTLS(t, func(http.ResponseWriter, *http.Request) { t.Error("the server received a request") })
	plainServer := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server received a request") })
	plainServer.Config.ErrorLog = quiet()
	for _, c := range []struct {
		name, url string
		roots     *x509.CertPool
	}{
		{"a certificate of an unknown authority", server.URL, x509.NewCertPool()},
		{"a certificate for another name", strings.Replace(server.URL, "127.0.0.1", "localhost", 1), pool},
		{"a server without TLS", strings.Replace(plainServer.URL, "http:", "https:", 1), pool},
	} {
		page := get(t, newFetcher(t, Config{rootCAs: c.roots}), request(t, c.url))
		wantFault(t, page, fetched.FaultTLS, false)
	}
}

func TestAConnectionClosedInTheHandshakeIsATemporaryFault(t *testing.T) {
	t.Parallel()
	origin := strings.Replace(listen(t, func(conn net.Conn) { conn.Read(make([]byte, 1024)) }), "http:", "https:", 1)
	wantFault(t, get(t, newFetcher(t, Config{}), request(t, origin)), fetched.FaultTLS, true)
}

func TestABrokenHTTP2StreamIsATemporaryFault(t *testing.T) {
	t.Parallel()
	server, pool := serveTLS(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Write(prose(100))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	page := get(t, newFetcher(t, Config{rootCAs: pool}), request(t, server.URL))
	wantFault(t, page, fetched.FaultReset, true)
}

func TestTooManyHTTP2HeadersAreAPermanentFault(t *testing.T) {
	t.Parallel()
	server, pool := serveTLS(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 400 {
			w.Header().Set(fmt.Sprintf("X-Flood-%d", i), strings.Repeat("x", 1000))
		}
	})
	page := get(t, newFetcher(t, Config{rootCAs: pool}), request(t, server.URL))
	wantFault(t, page, fetched.FaultProtocol, false)
}

func TestNamesWithoutAddresses(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	for _, c := range []struct {
		err    *net.DNSError
		passes bool
		text   string
	}{
		{&net.DNSError{Err: "no such host", Name: "nosuch.example", IsNotFound: true}, false,
			`no such host: "nosuch.example"`},
		{&net.DNSError{Err: "i/o timeout", Name: "slow.example", IsTimeout: true}, true,
			`cannot resolve "slow.example": i/o timeout`},
		{&net.DNSError{Err: "server misbehaving", Name: "ill.example", IsTemporary: true}, true,
			`cannot resolve "ill.example": server misbehaving`},
	} {
		fault := f.faultOf(&net.OpError{Op: "dial", Net: "tcp", Err: c.err})
		if fault.Kind != fetched.FaultResolve || fault.Passes != c.passes || fault.Text != c.text {
			t.Errorf("got %+v, want passes %t, %q", fault, c.passes, c.text)
		}
	}
}

func TestALocalShortageIsAnError(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	d := startDeadline(t.Context(), time.Minute)
	defer d.stop()
	fault, err := f.diagnose(d, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)})
	if fault != nil || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("got %+v, %v, want an error", fault, err)
	}
}
