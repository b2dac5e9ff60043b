package fetch

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Header values that all requests share; they must not be modified.
var (
	acceptMarkdown = []string{"text/markdown,text/html;q=0.9,*/*;q=0.8"}
	acceptAll      = []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
	acceptEnglish  = []string{"en,*;q=0.5"}
	acceptCodings  = []string{"gzip, deflate, br, zstd"}
	acceptIdentity = []string{"identity"}
)

// newRequest converts req for net/http. connected is called each time a connection is
// chosen, before anything is written to it, in the goroutine of the round trip.
func newRequest(ctx context.Context, req fetched.Request, connected func(net.Conn)) *http.Request {
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { connected(info.Conn) }}
	out := &http.Request{
		Method:     http.MethodGet,
		URL:        target(req.URL, forwarder(ctx) != nil),
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     headers(req),
	}
	if req.Head {
		out.Method = http.MethodHead
	}
	return out.WithContext(httptrace.WithClientTrace(ctx, trace))
}

func headers(req fetched.Request) http.Header {
	h := http.Header{
		"User-Agent":      {req.UserAgent},
		"Accept":          acceptAll,
		"Accept-Language": acceptEnglish,
		"Accept-Encoding": acceptCodings,
	}
	if req.Markdown {
		h["Accept"] = acceptMarkdown
	}
	if req.Identity {
		h["Accept-Encoding"] = acceptIdentity
	}
	if req.IfNoneMatch != "" {
		h["If-None-Match"] = []string{req.IfNoneMatch}
	}
	if req.IfModifiedSince != "" {
		h["If-Modified-Since"] = []string{req.IfModifiedSince}
	}
	if req.From != "" {
		h["From"] = []string{req.From}
	}
	for name, values := range req.Header {
		if !slices.Contains(ourHeaders, name) {
			h[name] = values
		}
	}
	return h
}

// target returns the URL to request for net/url, so that the path is sent byte for byte as
// it is in u. An opaque URL does that, except for paths that begin with two slashes, which
// net/url would take for an authority. For those, a URL with a path works if net/url
// encodes the path in the same way. For the few that are left, such as "//a|b", HTTP/1 gets
// the absolute form (RFC 9112, 3.2.2), and HTTP/2 takes the path from it. A request that is
// forwarded to a proxy has the absolute form too.
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
