package crawler

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

// plainURL returns the URL of an input that the parser would leave unchanged, and reports
// whether the input is one. Most URLs in lists are, and checking this takes a twentieth of
// the time of parsing. An input is plain if it is "http://" or "https://", a domain of
// lower-case ASCII labels without punycode or an IPv4 address, optionally a port other than the
// default, a path, and optionally a query, if nothing in them needs encoding (WHATWG URL, 1.3), and
// if no segment of the path can be "." or "..".
// All other inputs go to the parser, which defines what a URL is. A fuzz test checks that
// both agree.
func plainURL(s string) (URL, bool) {
	host, secure := strings.CutPrefix(s, "https://")
	ok := secure
	if !ok {
		host, ok = strings.CutPrefix(s, "http://")
	}
	slash := strings.IndexByte(host, '/')
	if !ok || slash < 0 || len(s) > urltext.MaxLength || !plainAuthority(host[:slash], secure) ||
		!plainPath(host[slash:]) {
		return URL{}, false
	}
	return URL{s, len(s) - len(host) + slash}, true
}

// plainAuthority reports whether nothing would be changed in a host with its port, if it has one.
func plainAuthority(authority string, secure bool) bool {
	host, port, ported := strings.Cut(authority, ":")
	if ported && !plainPort(port, secure) {
		return false
	}
	if plainDomain(host) {
		return true
	}
	if host == "" || host[0] < '0' || host[0] > '9' {
		return false
	}
	ip, err := netip.ParseAddr(host) // which refuses leading zeros
	return err == nil && ip.Is4()
}

// plainPort reports whether a port is written as the parser writes it, and is not the default one,
// which it leaves out.
func plainPort(port string, secure bool) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && port[0] != '0' && (n != 443 || !secure) && (n != 80 || secure)
}

// plainDomain reports whether h is a domain in which nothing would be changed, and which
// cannot be an IPv4 address, because its last label is not a number.
func plainDomain(h string) bool {
	const longest, longestLabel = 253, 63 // RFC 1035, 2.3.4
	if len(h) > longest {
		return false
	}
	for {
		label, rest, more := strings.Cut(h, ".")
		if len(label) == 0 || len(label) > longestLabel || !plainLabel(label) {
			return false
		}
		if !more {
			return label[0] >= 'a'
		}
		h = rest
	}
}

// plainLabel reports whether a label has only letters, digits, and single hyphens between
// them. Two hyphens may mark punycode.
func plainLabel(label string) bool {
	last := byte('-')
	for i := range len(label) {
		c := label[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '-' && last != '-':
		default:
			return false
		}
		last = c
	}
	return last != '-'
}

// plainPath reports whether nothing would be changed in a path with its query. A segment
// that starts with a dot, or with what may be an encoded dot, is left to the parser.
func plainPath(p string) bool {
	query := false
	for i := range len(p) {
		c := p[i]
		switch {
		case !plainByte[c]:
			return false
		case c == '?':
			query = true
		case c == '/' && !query && i+1 < len(p) && (p[i+1] == '.' || p[i+1] == '%'):
			return false
		}
	}
	return true
}

// plainByte has the bytes that are never encoded in a path or a query, and have no other
// meaning there.
var plainByte = func() (plain [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&()*+,;=:@/%?" {
		plain[c] = true
	}
	return plain
}()
