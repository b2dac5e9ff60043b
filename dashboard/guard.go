package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard decides which requests are accepted.
type guard struct {
	token    *[sha256.Size]byte // nil: none is required
	hosts    []string
	readOnly bool
	origins  *http.CrossOriginProtection
}

func newGuard(cfg Config) *guard {
	m := &guard{readOnly: cfg.ReadOnly, origins: http.NewCrossOriginProtection()}
	if cfg.Token != "" {
		sum := sha256.Sum256([]byte(cfg.Token))
		m.token = &sum
	}
	for _, h := range cfg.Hosts {
		m.hosts = append(m.hosts, strings.ToLower(h))
	}
	return m
}

// protect returns a handler that passes the accepted requests on to next.
func (m *guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := m.refuses(r); p != nil {
			if p.Status == http.StatusUnauthorized {
				w.Header()["Www-Authenticate"] = []string{`Basic realm="Trawl", charset="UTF-8"`,
					`Bearer realm="Trawl"`}
			}
			writeJSON(w, p.Status, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuses says why a request is refused; nil if it is accepted.
func (m *guard) refuses(r *http.Request) *problem {
	switch {
	case !m.knowsHost(r):
		return &problem{http.StatusMisdirectedRequest, // RFC 9110, 15.5.20
			"the Host of the request is not a name of this machine: use localhost, or list the name with --host", nil}
	case !m.knowsToken(r):
		return &problem{http.StatusUnauthorized,
			"the token is missing or wrong: send it as a bearer token, or as the password of any user", nil}
	case m.origins.Check(r) != nil:
		return &problem{http.StatusForbidden, "the request was sent by a page of another site", nil}
	case m.readOnly && !reads(r.Method):
		return &problem{http.StatusForbidden, "this dashboard is read-only", nil}
	}
	return nil
}

// reads reports whether a method changes nothing (RFC 9110, 9.2.1).
func reads(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// knowsHost guards against DNS rebinding. A page of another site can point its own name at
// this machine and then read what is served on loopback as if it were its own. But it
// cannot forge the Host header that the visitor's browser sends.
func (m *guard) knowsHost(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil || !isLoopback(local.String()) {
		return true
	}
	return isLoopback(r.Host) || slices.Contains(m.hosts, hostname(r.Host))
}

// hostname returns the name in "name:port" or "name", in lower case.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isLoopback reports whether an address, with or without port, is a loopback address. Names
// under localhost are, according to RFC 6761, 6.3.
func isLoopback(hostport string) bool {
	host := hostname(hostport)
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// knowsToken compares the token of the request, in a time that does not depend on its
// value.
func (m *guard) knowsToken(r *http.Request) bool {
	if m.token == nil {
		return true
	}
	brought := sha256.Sum256([]byte(tokenOf(r)))
	return subtle.ConstantTimeCompare(brought[:], m.token[:]) == 1
}

// tokenOf returns the token of a request: a bearer token (RFC 6750, 2.1), or the password
// of basic authentication (RFC 7617).
func tokenOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// withHeaders sets the security headers of every response. Pages relax the policy for
// themselves.
func withHeaders(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("X-Frame-Options", "DENY") // for browsers older than frame-ancestors
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}
