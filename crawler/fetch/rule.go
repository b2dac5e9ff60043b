package fetch

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/trawlcrawler/trawl/crawler"
)

// Rule is what a process shows to some hosts, whom it trusts there, and by way of
// which proxies it gets at them. Where several rules are for a host, each thing is
// as the first of them has it. A rule may be printed: its secrets are not.
type Rule struct {
	// Hosts are those that the rule is for. Default every host, which only Proxies
	// and CAs can be for.
	Hosts []HostPattern
	// Header are headers to send, such as "X-Api-Key". They are taken for secrets:
	// they go to the hosts of the rule alone, and over TLS unless the pattern of the
	// host says otherwise.
	Header http.Header
	// Login is sent as basic authentication (RFC 7617), under the same conditions.
	Login crawler.Login
	// Proxies are those to go through. Each host is given one of them, the same in
	// every process that has the same proxies, and another while that one can not
	// be reached. nil among them stands for none: straight. Default none.
	Proxies []*Proxy
	// CAs are authorities to trust besides the system's. Default none.
	CAs []*x509.Certificate
	// Insecure says that certificates of the hosts are not verified.
	Insecure bool
}

// NewRule returns a rule for the host and port of a URL that has a login, as an
// operator may write a seed. A URL of plain http means that the login is sent
// without TLS.
func NewRule(u crawler.URL, login crawler.Login) Rule {
	return Rule{Hosts: []HostPattern{Exactly(u)}, Login: login}
}

// String names the hosts of the rule.
func (r Rule) String() string { return fmt.Sprintf("rule for %v", r.Hosts) }

// GoString does the same, for %#v.
func (r Rule) GoString() string { return r.String() }

// ourHeaders are those that the crawler, or HTTP itself, decides on.
var ourHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Expect", "Host", "If-Modified-Since", "If-None-Match", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

// CheckHeader says why a header can not be sent; nil when it can. It does not
// quote the value.
func CheckHeader(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%q is no name of a header", name)
	case slices.Contains(ourHeaders, textproto.CanonicalMIMEHeaderKey(name)):
		return fmt.Errorf("the header %s can not be set here: the crawler sets it (--user-agent)", textproto.CanonicalMIMEHeaderKey(name))
	case value == "" || !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("the header %s has a value that can not be sent: it is empty, or has a line end or another control character", textproto.CanonicalMIMEHeaderKey(name))
	}
	return nil
}

var (
	errLoginTwice   = errors.New("it has a user and an Authorization header: leave one of them out")
	errForEverybody = errors.New("headers, a user and insecure are for hosts that are named: a rule without hosts is for all")
)

// Check says what is wrong with a rule; nil when nothing is.
func (r Rule) Check() error {
	for name, values := range r.Header {
		for _, value := range values {
			if err := CheckHeader(name, value); err != nil {
				return err
			}
		}
	}
	switch {
	case len(r.Hosts) == 0 && (len(r.Header) > 0 || !r.Login.IsZero() || r.Insecure):
		return errForEverybody
	case !r.Login.IsZero() && r.Header.Get("Authorization") != "":
		return errLoginTwice
	case strings.Contains(r.Login.User, ":"):
		return errors.New("a user name can not have a colon (RFC 7617, 2)")
	}
	return nil
}

// covers reports whether the rule is for a port of a host; plainly, that what is
// secret may be sent there without TLS.
func (r Rule) covers(name, port string) (covers, plainly bool) {
	for _, p := range r.Hosts {
		if p.matches(name, port) {
			covers, plainly = true, plainly || p.plain
		}
	}
	return covers || len(r.Hosts) == 0, plainly
}

// headers are all that the rule has sent, in canonical form.
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

// basicAuth returns a login as RFC 7617, 2 wants it.
func basicAuth(l crawler.Login) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password()))
}
