package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/cookie"
	"github.com/trawlcrawler/trawl/internal/proxy"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Rule sets the headers, the trust and the proxies for some hosts. If several rules match a
// host, the first one that sets a property applies. A rule is safe to print: its secrets
// are left out.
type Rule struct {
	// Hosts are the hosts that the rule is for. Default every host, which is only allowed
	// for Proxies and CAs.
	Hosts []HostPattern
	// Header are headers to send, such as "X-Api-Key". They are treated as secrets: they are
	// sent only to the hosts of the rule, and only over TLS unless the pattern of the host
	// says otherwise.
	Header http.Header
	// Cookies are sent with every request, under the same conditions. Only their names and
	// values count. With a jar, they are in it from the beginning, as if the host had set them.
	Cookies []*http.Cookie
	// Login is sent as basic authentication (RFC 7617), under the same conditions.
	Login urltext.Login
	// Proxies are the proxies to use. Each host gets one of them, the same one in every
	// process with the same proxies, and another one while that cannot be reached. A nil
	// element means a direct connection. Default none.
	Proxies []*proxy.Proxy
	// CAs are certificate authorities to trust in addition to the system's. Default none.
	CAs []*x509.Certificate
	// Certificates are client certificates. The host chooses one by the authorities that it
	// accepts. Default none.
	Certificates []tls.Certificate
	// Insecure disables the verification of the hosts' certificates.
	Insecure bool
	// TLS is [crawler.TLSLegacy] if the hosts only have old ciphers. Default: the job's
	// setting.
	TLS crawler.TLSKind
}

// NewRule returns a rule for the host and port of a URL with a login, as an operator may
// write a seed. If the URL's scheme is http, the login is sent without TLS.
func NewRule(u crawler.URL, login urltext.Login) Rule {
	return Rule{Hosts: []HostPattern{Exactly(u)}, Login: login}
}

// String returns the hosts of the rule.
func (r Rule) String() string { return fmt.Sprintf("rule for %v", r.Hosts) }

// GoString is String, for %#v.
func (r Rule) GoString() string { return r.String() }

// ourHeaders are headers that only the crawler or HTTP itself sets.
var ourHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Expect", "Host", "If-Modified-Since",
	"If-None-Match", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

// CheckHeader says why a header cannot be sent; nil if it can. It does not quote the value.
func CheckHeader(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%q is not a valid header name", name)
	case slices.Contains(ourHeaders, textproto.CanonicalMIMEHeaderKey(name)):
		return fmt.Errorf("the header %s cannot be set here: the crawler sets it (for User-Agent, the setting user_agent)",
			textproto.CanonicalMIMEHeaderKey(name))
	case value == "" || !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("the header %s has a value that cannot be sent: it is empty, or has a line end or another control character", textproto.CanonicalMIMEHeaderKey(name))
	}
	return nil
}

var (
	errLoginTwice   = errors.New("it has a user and an Authorization header: leave one of them out")
	errCookieTwice  = errors.New("it has cookies and a Cookie header: leave one of them out")
	errForEverybody = errors.New("headers, cookies, a user, client certificates, insecure and tls are for hosts that are named: a rule without hosts is for all")
)

// Check says what is wrong with a rule; nil if nothing is.
func (r Rule) Check() error {
	for name, values := range r.Header {
		for _, value := range values {
			if err := CheckHeader(name, value); err != nil {
				return err
			}
		}
	}
	if err := r.checkCookies(); err != nil {
		return err
	}
	switch {
	case len(r.Hosts) == 0 && r.names():
		return errForEverybody
	case r.TLS != "" && !slices.Contains(rules.TLSKinds, r.TLS):
		return fmt.Errorf("tls: %q is unknown: want modern or legacy", r.TLS)
	case !r.Login.IsZero() && r.Header.Get("Authorization") != "":
		return errLoginTwice
	case strings.Contains(r.Login.User, ":"):
		return errors.New("a user name cannot have a colon (RFC 7617, 2)")
	}
	return nil
}

// checkCookies says what is wrong with the cookies of a rule.
func (r Rule) checkCookies() error {
	names := make(map[string]bool, len(r.Cookies))
	for _, c := range r.Cookies {
		if err := cookie.Check(c); err != nil {
			return err
		}
		if names[c.Name] {
			return fmt.Errorf("it has two cookies with the name %s: leave one of them out", c.Name)
		}
		names[c.Name] = true
	}
	if len(r.Cookies) > 0 && r.headers().Get("Cookie") != "" {
		return errCookieTwice
	}
	return nil
}

// names reports whether the rule sets something that is only for hosts that it names.
func (r Rule) names() bool {
	return len(r.Header) > 0 || len(r.Cookies) > 0 || !r.Login.IsZero() || len(r.Certificates) > 0 || r.Insecure ||
		r.TLS != ""
}

// covers reports whether the rule is for a port of a host, and whether secrets may be sent
// there without TLS.
func (r Rule) covers(name, port string) (covers, plainly bool) {
	for _, p := range r.Hosts {
		if p.matches(name, port) {
			covers, plainly = true, plainly || p.plain
		}
	}
	return covers || len(r.Hosts) == 0, plainly
}

// headers returns all headers that the rule sends, in canonical form.
func (r Rule) headers() http.Header {
	h := make(http.Header, len(r.Header)+1)
	for name, values := range r.Header {
		h[textproto.CanonicalMIMEHeaderKey(name)] = values
	}
	if !r.Login.IsZero() {
		h["Authorization"] = []string{basicAuth(r.Login)}
	}
	return h
}

// basicAuth returns the value of an Authorization header for a login (RFC 7617, 2).
func basicAuth(l urltext.Login) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password()))
}

// HostPattern matches the hosts that a [Rule] is for: one host, or all hosts below a
// domain, at one port, or at 80 and 443. The zero pattern matches no host.
type HostPattern struct {
	name  string // without brackets; for a domain, what follows the dot
	below bool   // matches hosts below name, but not name itself
	port  string // "" for 80 and 443
	plain bool   // secrets may be sent without TLS
}

// ParseHostPattern parses "example.org", "example.org:8443", "*.example.org", and the same
// with the prefix "http://", which permits sending secrets without TLS. The error quotes
// the text.
func ParseHostPattern(text string) (HostPattern, error) {
	p := HostPattern{}
	rest, plain := strings.CutPrefix(text, "http://")
	if !plain {
		rest = strings.TrimPrefix(text, "https://")
	}
	rest, below := strings.CutPrefix(rest, "*.")
	host := "https://" + rest
	u, err := crawler.ParseURL(host)
	if err != nil || rest == "" || !urltext.LoginOf(host).IsZero() || u.Path() != "/" ||
		strings.ContainsAny(rest, "/?#*") {
		return p, fmt.Errorf("%q is no host: write example.org, example.org:8443, *.example.org, or http://example.org where secrets may be sent without TLS", urltext.HideLogin(text))
	}
	return HostPattern{u.Host().Name(), below, writtenPort(u, rest), plain}, nil
}

// writtenPort returns the port that a pattern names; "" if it names none.
func writtenPort(u crawler.URL, text string) string {
	if port := u.Host().Port(); port != "" {
		return port
	}
	if strings.HasSuffix(text, ":443") {
		return "443"
	}
	return ""
}

// Exactly returns the pattern of a URL's host and port. If the URL's scheme is http,
// secrets may be sent without TLS.
func Exactly(u crawler.URL) HostPattern {
	return HostPattern{name: u.Host().Name(), port: u.Host().Port(), plain: u.Scheme() == "http"}
}

// matches reports whether the pattern matches a port of a host.
func (p HostPattern) matches(name, port string) bool {
	switch {
	case p.port != port && (p.port != "" || port != "80" && port != "443"):
		return false
	case p.below:
		return len(name) > len(p.name)+1 && strings.HasSuffix(name, p.name) && name[len(name)-len(p.name)-1] == '.'
	}
	return name == p.name
}

// String returns the pattern in the form that ParseHostPattern accepts.
func (p HostPattern) String() string {
	s := p.name
	if strings.Contains(s, ":") {
		s = "[" + s + "]"
	}
	if p.below {
		s = "*." + s
	}
	if p.port != "" {
		s = net.JoinHostPort(strings.Trim(s, "[]"), p.port)
	}
	if p.plain {
		s = "http://" + s
	}
	return s
}
