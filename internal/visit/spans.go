package visit

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/trace"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// startSpan starts the span of a visit; nil if the host is not traced.
func (w *Visitor) startSpan(o queue.VisitRef) *trace.Span {
	s := w.cfg.Trace.Start(string(o.Host), "visit")
	if s == nil {
		return nil
	}
	address, port := serverOf(o.Host, "")
	s.Set(trace.Text("trawl.job", w.job.Name), trace.Int("trawl.visit.epoch", o.Epoch),
		trace.Text("server.address", address))
	if port != 0 {
		s.Set(trace.Int("server.port", port))
	}
	return s
}

// endSpan ends the span of a visit.
func endSpan(s *trace.Span, r queue.Report, err error) {
	if s == nil {
		return
	}
	s.Set(trace.Text("trawl.visit.ending", string(r.Ending)), trace.Int("trawl.visit.pages", r.Pages),
		trace.Int("trawl.visit.bytes", r.Bytes), trace.Int("trawl.visit.links", r.Links),
		trace.Int("trawl.visit.requests", r.Requested))
	switch {
	case err != nil:
		s.Set(trace.Text("error.type", "internal"))
		s.Fail(plain.Printable(err.Error()))
	case r.Ending == queue.EndLost:
		s.Set(trace.Text("error.type", "host_given_up"))
		s.Fail(r.Trouble)
	}
	s.End()
}

// startRequest starts the span of a request, as the conventions of OpenTelemetry describe a client
// span (Semantic Conventions for HTTP Spans, 1.23, "HTTP client"); nil if the visit is not traced.
func (q *requester) startRequest(r request) *trace.Span {
	if q.span == nil {
		return nil
	}
	method := "GET"
	if r.Head {
		method = "HEAD"
	}
	s := q.span.Start(method, trace.Client)
	address, port := serverOf(r.URL.Host(), r.URL.Scheme())
	s.Set(trace.Text("http.request.method", method), trace.Text("url.full", withoutSecrets(r.URL.String())),
		trace.Text("server.address", address), trace.Int("server.port", port))
	if r.resends > 0 {
		s.Set(trace.Int("http.request.resend_count", int64(r.resends)))
	}
	if r.robots {
		s.Set(trace.Text("trawl.request", "robots"))
	}
	return s
}

// endRequest ends the span of a request with its result. page is nil if the request was cut off.
func endRequest(s *trace.Span, page *fetched.Page, err error) {
	if s == nil {
		return
	}
	defer s.End()
	if page == nil {
		s.Set(trace.Text("error.type", "cancelled"))
		s.Fail(plain.Printable(err.Error()))
		return
	}
	if page.Address.IsValid() {
		s.Set(trace.Text("network.peer.address", page.Address.Addr().String()),
			trace.Int("network.peer.port", int64(page.Address.Port())))
	}
	if page.Status > 0 {
		s.Set(trace.Int("http.response.status_code", int64(page.Status)))
		version := strings.TrimSuffix(strings.TrimPrefix(page.Proto, "HTTP/"), ".0")
		if version != "" {
			s.Set(trace.Text("network.protocol.version", version))
		}
	}
	if page.Body != nil {
		s.Set(trace.Int("trawl.body.size", page.Body.Size))
	}
	switch {
	case page.Fault != nil:
		s.Set(trace.Text("error.type", string(page.Fault.Kind)))
		s.Fail(plain.Printable(page.Fault.Text))
	case page.Status >= 400:
		s.Set(trace.Text("error.type", strconv.Itoa(page.Status)))
		s.Fail("")
	}
}

// serverOf returns the name and the port of a host. The port is 0 if neither the host nor the scheme
// says it.
func serverOf(h crawler.Host, scheme string) (address string, port int64) {
	name, text, err := net.SplitHostPort(string(h))
	if err == nil {
		port, _ = strconv.ParseInt(text, 10, 64)
		return name, port
	}
	address = strings.Trim(string(h), "[]")
	switch scheme {
	case "http":
		return address, 80
	case "https":
		return address, 443
	}
	return address, 0
}

// secretParameters are the query parameters whose values the conventions want redacted in url.full.
var secretParameters = []string{"AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"}

// withoutSecrets returns a URL without its login and the values of secret parameters.
func withoutSecrets(href string) string {
	href = urltext.HideLogin(href)
	before, query, ok := strings.Cut(href, "?")
	if !ok {
		return href
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		if plainName, err := url.QueryUnescape(name); err == nil && slices.Contains(secretParameters, plainName) {
			parts[i] = name + "=REDACTED"
		}
	}
	return before + "?" + strings.Join(parts, "&")
}
