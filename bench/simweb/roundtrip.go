package simweb

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// robotsTxt is that of a host that has one.
const robotsTxt = "User-agent: *\nDisallow: " + privatePath + "\n"

// RoundTrip answers a request as the host would ([http.RoundTripper]), after
// the host's latency. A host that is dead refuses the connection.
func (w *Web) RoundTrip(req *http.Request) (*http.Response, error) {
	host, ok := w.hostOf(req.URL.Host)
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: "tcp",
			Err: &net.DNSError{Err: "no such host", Name: req.URL.Host, IsNotFound: true}}
	}
	if w.dead(host) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	done := w.ledger.begin(host, req.URL.Path)
	defer done()
	if err := wait(req, w.latency(host)); err != nil {
		return nil, err
	}
	status, kind, body := w.answer(host, req.URL.Path)
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header:        http.Header{"Content-Type": {kind}, "Content-Length": {strconv.Itoa(len(body))}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// wait is the time that an answer takes.
func wait(req *http.Request, latency time.Duration) error {
	if latency == 0 {
		return req.Context().Err()
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// answer is what a host has at a path.
func (w *Web) answer(host int, path string) (status int, kind string, body []byte) {
	const text, page = "text/plain; charset=utf-8", "text/html; charset=utf-8"
	if path == "/robots.txt" {
		if w.ruled(host) {
			return 200, text, []byte(robotsTxt)
		}
		return 404, text, []byte("not found\n")
	}
	r, ok := w.pageOf(host, path)
	if !ok {
		return 404, text, []byte("not found\n")
	}
	if status := w.status(r); status != 200 {
		return status, text, []byte(http.StatusText(status) + "\n")
	}
	return 200, page, w.page(r)
}

// filler is text that a page has as much of as it must be long.
const filler = "<p>The quick brown fox jumps over the lazy dog, and the dog, which has seen it all before, sleeps on until the evening.</p>\n"

// page is the HTML of a page.
func (w *Web) page(r Ref) []byte {
	b := bytes.NewBuffer(make([]byte, 0, w.cfg.Bytes+w.cfg.Links*64))
	fmt.Fprintf(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Page %d of site %d</title></head>\n<body>\n", r.Page, r.Host)
	for _, link := range w.Links(r) {
		b.WriteString("<a href=\"")
		if link.Host != r.Host {
			b.WriteString(w.Origin(link.Host))
		}
		b.WriteString(w.path(link))
		b.WriteString("\">on</a>\n")
	}
	for b.Len() < w.cfg.Bytes {
		b.WriteString(filler)
	}
	b.WriteString("</body></html>\n")
	return b.Bytes()
}
