package fetch

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Header values that every request shares; nobody writes to them.
var (
	acceptAll      = []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
	acceptEnglish  = []string{"en,*;q=0.5"}
	acceptCodings  = []string{"gzip, deflate, br, zstd"}
	acceptIdentity = []string{"identity"}
)

// newRequest puts req in the words of net/http. connected is called in the
// goroutine of the round trip each time a connection is taken, before anything
// is written to it.
func newRequest(ctx context.Context, req crawler.Request, connected func(net.Conn)) *http.Request {
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { connected(info.Conn) }}
	out := &http.Request{
		Method:     http.MethodGet,
		URL:        target(req.URL, forwarder(ctx) != nil),
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     headers(req),
	}
	return out.WithContext(httptrace.WithClientTrace(ctx, trace))
}

func headers(req crawler.Request) http.Header {
	h := http.Header{
		"User-Agent":      {req.UserAgent},
		"Accept":          acceptAll,
		"Accept-Language": acceptEnglish,
		"Accept-Encoding": acceptCodings,
	}
	if req.Identity {
		h["Accept-Encoding"] = acceptIdentity
	}
	if req.From != "" {
		h["From"] = []string{req.From}
	}
	return h
}

// target says in the words of net/url what to ask for, such that the path goes
// on the wire byte for byte as it is in u. An opaque URL does this for every
// path but those that begin with two slashes, which net/url takes for an
// authority. A path that says the same to net/url in its own form needs no more;
// for the few that are left, as "//a|b", HTTP/1 gets the absolute form
// (RFC 9112, 3.2.2), of which HTTP/2 takes the path. So does, absolute, what is
// handed to a proxy as it is.
func target(u crawler.URL, absolute bool) *url.URL {
	host, path := string(u.Host()), u.Path()
	t := &url.URL{Scheme: u.Scheme(), Host: host}
	if absolute {
		t.Opaque = "//" + host + path
		return t
	}
	if !strings.HasPrefix(path, "//") {
		t.Opaque = path
		return t
	}
	t.RawPath, t.RawQuery, t.ForceQuery = strings.Cut(path, "?")
	t.Path, _ = url.PathUnescape(t.RawPath)
	if t.RequestURI() == path {
		return t
	}
	return &url.URL{Scheme: t.Scheme, Host: host, Opaque: "//" + host + path}
}
