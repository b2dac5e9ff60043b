package fetch

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// targets are paths, with the request target of HTTP/1 where that differs.
var targets = []struct {
	name, path, http1 string
	noServer          bool // net/http's server refuses the path
}{
	{name: "the root", path: "/"},
	{name: "a query", path: "/a?b=c&d"},
	{name: "an empty query", path: "/a?"},
	{name: "a query that is a question", path: "/??"},
	{name: "a percent sign that encodes nothing", path: "/%zz", noServer: true},
	{name: "an encoded slash", path: "/a%2Fb%2f"},
	{name: "a bar", path: "/a|b"},
	{name: "brackets, a caret and quotes", path: "/[a]^'b'?`{}|"},
	{name: "encoded quotes", path: "/%22x%22"},
	{name: "an asterisk", path: "/*"},
	{name: "an address as a path", path: "/http://example.com/"},
	{name: "two slashes", path: "//example.com/a?b"},
	{name: "two slashes alone", path: "//"},
	{name: "two slashes and an empty query", path: "//a?"},
	{name: "two slashes and an encoded slash", path: "//a%2Fb"},
	{name: "two slashes and a bar", path: "//a|b?c", http1: "http://HOST//a|b?c"},
	{name: "two slashes and a percent sign", path: "//%zz", http1: "http://HOST//%zz", noServer: true},
	{name: "userinfo in the path", path: "/a@b:c"},
}

func TestThePathIsSentUnchanged(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 1)
	origin := serveRaw(t, func(conn net.Conn, line string) {
		lines <- line
		conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	})
	f := newFetcher(t, Config{})
	for _, c := range targets {
		want := c.path
		if c.http1 != "" {
			want = strings.Replace(c.http1, "HOST", strings.TrimPrefix(origin, "http://"), 1)
		}
		wantNoFault(t, get(t, f, request(t, origin+c.path)))
		if got := <-lines; got != "GET "+want+" HTTP/1.1\r\n" {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

func TestThePathGoesThroughHTTP2AsItIs(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	server, pool := serveTLS(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.RequestURI })
	f := newFetcher(t, Config{rootCAs: pool})
	for _, c := range targets {
		if c.noServer {
			continue
		}
		page := get(t, f, request(t, server.URL+c.path))
		wantNoFault(t, page)
		if page.Proto != "HTTP/2.0" {
			t.Fatalf("protocol: got %s, want HTTP/2.0", page.Proto)
		}
		if uri := <-got; uri != c.path {
			t.Errorf("%s: got %q, want %q", c.name, uri, c.path)
		}
	}
}

func TestTheHeadersOfARequest(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r })
	f := newFetcher(t, Config{})
	get(t, f, request(t, server.URL))
	r := <-got
	for name, want := range map[string]string{
		"User-Agent":      "Trawl/test",
		"Accept-Encoding": "gzip, deflate, br, zstd",
		"Accept-Language": "en,*;q=0.5",
		"Authorization":   "",
		"Cookie":          "",
	} {
		if v := r.Header.Get(name); v != want {
			t.Errorf("%s: got %q, want %q", name, v, want)
		}
	}
	if !strings.HasPrefix(r.Header.Get("Accept"), "text/html,") {
		t.Errorf("Accept: got %q, want HTML first", r.Header.Get("Accept"))
	}
	if want := strings.TrimPrefix(server.URL, "http://"); r.Host != want {
		t.Errorf("Host: got %q, want %q", r.Host, want)
	}
}

func TestIdentityIsRequestedExplicitly(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Accept-Encoding")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(encode(t, "gzip", prose(100)))
	})
	req := request(t, server.URL)
	req.Identity = true
	page := get(t, newFetcher(t, Config{}), req)
	if coding := <-got; coding != "identity" {
		t.Errorf("Accept-Encoding: got %q, want identity", coding)
	}
	if body := content(t, page); string(body) != string(encode(t, "gzip", prose(100))) {
		t.Errorf("the coding was removed: got %q", body)
	}
}
