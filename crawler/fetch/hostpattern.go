package fetch

import (
	"fmt"
	"net"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// HostPattern says which hosts a [Rule] is for: one, or all beneath a domain, at
// one port, or at 80 and 443. The zero pattern is for no host.
type HostPattern struct {
	name  string // without brackets; of a domain what its hosts are called behind the dot
	below bool   // it is for the hosts beneath name, and not for name itself
	port  string // "" for 80 and 443
	plain bool   // what is secret may be sent to it without TLS
}

// ParseHostPattern reads "example.org", "example.org:8443", "*.example.org", and
// the same with "http://" before it, which says that what is secret may go there
// without TLS. The error quotes what is none of these.
func ParseHostPattern(text string) (HostPattern, error) {
	p := HostPattern{}
	rest, plain := strings.CutPrefix(text, "http://")
	if !plain {
		rest = strings.TrimPrefix(text, "https://")
	}
	rest, below := strings.CutPrefix(rest, "*.")
	u, login, err := crawler.ParseLogin("https://" + rest)
	if err != nil || rest == "" || !login.IsZero() || u.Path() != "/" || strings.ContainsAny(rest, "/?#*") {
		return p, fmt.Errorf("%q is no host: write example.org, example.org:8443, *.example.org, or http://example.org where secrets may be sent without TLS", crawler.HideLogin(text))
	}
	return HostPattern{u.Host().Name(), below, writtenPort(u, rest), plain}, nil
}

// writtenPort is the port that a pattern names; "" where it names none, or 443.
func writtenPort(u crawler.URL, text string) string {
	if port := u.Host().Port(); port != "" {
		return port
	}
	if strings.HasSuffix(text, ":443") {
		return "443"
	}
	return ""
}

// Exactly is the pattern of a URL's host and port. Where the URL is one of plain
// http, so may be what is sent there.
func Exactly(u crawler.URL) HostPattern {
	return HostPattern{name: u.Host().Name(), port: u.Host().Port(), plain: u.Scheme() == "http"}
}

// matches reports whether the pattern is for a port of a host.
func (p HostPattern) matches(name, port string) bool {
	switch {
	case p.port != port && (p.port != "" || port != "80" && port != "443"):
		return false
	case p.below:
		return len(name) > len(p.name)+1 && strings.HasSuffix(name, p.name) && name[len(name)-len(p.name)-1] == '.'
	}
	return name == p.name
}

// String writes the pattern as it is read.
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
