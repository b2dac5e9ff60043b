package surt

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// parts are the parts of a URL from which a key is made.
type parts struct {
	scheme string
	host   string // without brackets
	port   string // decimal; "" for none
	path   string
	query  string
}

// syntax splits a URL as RFC 2396, appendix B, does, with the characters of a scheme.
var syntax = regexp.MustCompile(`^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?`)

// Prefixes that are repaired before a URL is split.
var (
	hasScheme  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+\-.]*:`)
	manyHTTP   = regexp.MustCompile(`^(https?://)+`)
	lineBreaks = strings.NewReplacer("\n", "", "\r", "", "\t", "")
)

// Key returns the key of a URL in the form [PyWB]: what surt.surt of the Python library
// surt returns. A URL whose port is not a number is its own key.
func Key(url string) string {
	switch {
	case url == "":
		return "-"
	case strings.HasPrefix(url, "filedesc"):
		return url
	}
	p, ok := split(url)
	if !ok {
		return url
	}
	p.normalize()
	p.shorten()
	return p.String()
}

// split repairs and splits a URL. It returns false if the port is not a number.
func split(url string) (p parts, ok bool) {
	url = lineBreaks.Replace(strings.Trim(url, " \t\n\r\v\f"))
	if !hasScheme.MatchString(url) {
		url = "http://" + url
	}
	if strings.HasPrefix(url, "http") {
		url = manyHTTP.ReplaceAllString(url, "$1")
	}
	m := syntax.FindStringSubmatch(url)
	p = parts{scheme: m[1], path: m[3], query: m[4]}
	if p.host, p.port, ok = splitAuthority(m[2]); !ok {
		return p, false
	}
	if strings.HasPrefix(p.scheme, "http") && p.host == "" && p.path != "" { // http:////host/path
		host, path, _ := strings.Cut(strings.TrimLeft(p.path, "/"), "/")
		p.host, p.path = host, "/"+path
	}
	return p, true
}

// splitAuthority returns the host in lower case, and the port.
func splitAuthority(authority string) (host, port string, ok bool) {
	authority = strings.TrimRight(authority, ":")
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	if _, bracketed, isV6 := strings.Cut(authority, "["); isV6 {
		host, port, _ = strings.Cut(bracketed, "]")
		_, port, _ = strings.Cut(port, ":")
	} else {
		host, port, _ = strings.Cut(authority, ":")
	}
	if port == "" {
		return lower(host), "", true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", "", false
	}
	if n == 0 {
		return lower(host), "", true
	}
	return lower(host), strconv.FormatUint(n, 10), true
}

// lower changes only ASCII letters, so that invalid UTF-8 stays as it is.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// normalize does what the library's GoogleURLCanonicalizer does.
func (p *parts) normalize() {
	p.query = escape(unescape(p.query))
	path := unescape(p.path)
	if p.host != "" {
		p.host = normalHost(unescape(p.host))
		path = normalPath(path)
	}
	p.path = escape(path)
}

// international encodes names of other scripts. It is transitional because the library
// follows IDNA 2003.
var international = idna.New(idna.MapForLookup(), idna.Transitional(true), idna.StrictDomainName(false))

// normalHost returns a host in ASCII and lower case. A number of any form becomes an IP
// address.
func normalHost(host string) string {
	if strings.IndexFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		if ascii, err := international.ToASCII(strings.ToValidUTF8(host, "")); err == nil {
			host = ascii
		}
	}
	host = strings.Trim(strings.ReplaceAll(host, "..", "."), ".")
	if ip, ok := ipOf(host); ok {
		return ip
	}
	return escape(lower(host))
}

// normalPath resolves "." and "..", and merges slashes.
func normalPath(path string) string {
	var kept []string
	for i, segment := range strings.Split(path, "/") {
		switch {
		case i == 0 || segment == ".":
		case segment == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		default:
			kept = append(kept, segment)
		}
	}
	if len(kept) == 0 {
		return "/"
	}
	var b strings.Builder
	b.WriteByte('/')
	last := len(kept) - 1
	for _, segment := range kept[:last] {
		if segment != "" {
			b.WriteString(segment + "/")
		}
	}
	b.WriteString(kept[last])
	return b.String()
}

// shorten does what the library's IAURLCanonicalizer does: it drops what rarely
// distinguishes two pages.
func (p *parts) shorten() {
	if p.host = lower(p.host); p.scheme != "dns" {
		p.host = withoutWWW(p.host)
	}
	if p.port == defaultPort(lower(p.scheme)) {
		p.port = ""
	}
	p.path = withoutPathSession(lower(p.path))
	if len(p.path) > 1 {
		p.path = strings.TrimSuffix(p.path, "/")
	}
	p.query = reordered(lower(withoutQuerySession(p.query)))
}

// withoutWWW drops a first label of "www" with or without a number.
func withoutWWW(host string) string {
	rest, ok := strings.CutPrefix(host, "www")
	if !ok {
		return host
	}
	if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, "0123456789"), "."); ok {
		return rest
	}
	return host
}

// defaultPort returns the port that URLs of a scheme leave out; "" for none.
func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// reordered sorts the parameters of a query by name and value. A name without "=" comes
// before the same name with it.
func reordered(query string) string {
	if len(query) <= 1 {
		return query
	}
	all := strings.Split(query, "&")
	slices.SortFunc(all, func(a, b string) int {
		aName, aValue, aHas := strings.Cut(a, "=")
		bName, bValue, bHas := strings.Cut(b, "=")
		if n := cmp.Compare(aName, bName); n != 0 {
			return n
		}
		if aHas != bHas {
			if bHas {
				return -1
			}
			return 1
		}
		return cmp.Compare(aValue, bValue)
	})
	return strings.Join(all, "&")
}

// String puts the parts of a key together.
func (p *parts) String() string {
	path := p.path
	if p.query != "" {
		if path == "" {
			path = "/"
		}
		path += "?" + p.query
	}
	if p.host == "" {
		return p.scheme + ":" + path
	}
	port := p.port
	if port != "" {
		port = ":" + port
	}
	return ReverseHost(p.host) + port + ")" + path
}

// ReverseHost returns the labels of a host in reverse order, with commas: "com,example"
// for "example.com". The octets of an IPv4 address are reversed as well.
func ReverseHost(host string) string {
	labels := strings.Split(host, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ",")
}
