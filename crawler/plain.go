package crawler

import "strings"

// plainURL returns the URL of an input that the parser would leave as it is, and
// whether it is one. Most of what is found in lists is: to see it costs a
// twentieth of parsing it. An input is plain if it is "http://" or "https://", a
// domain of lower-case ASCII labels without punycode, a path, and perhaps a query,
// in which nothing is to be encoded (WHATWG URL, 1.3), and no segment of the path
// can be "." or "..". Whatever is not plain is left to the parser, which has the
// last word on what a URL is; the fuzz test holds the two together.
func plainURL(s string) (URL, bool) {
	host, ok := strings.CutPrefix(s, "https://")
	if !ok {
		host, ok = strings.CutPrefix(s, "http://")
	}
	slash := strings.IndexByte(host, '/')
	if !ok || slash < 0 || len(s) > MaxURLLength || !plainDomain(host[:slash]) || !plainPath(host[slash:]) {
		return URL{}, false
	}
	return URL{s, len(s) - len(host) + slash}, true
}

// plainDomain reports whether h is a domain in which nothing is to be changed, and
// that can be no IPv4 address, whose last label is a number.
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

// plainLabel reports whether a label has letters and digits, and single hyphens
// between them: two may be the mark of punycode.
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

// plainPath reports whether nothing is to be changed in a path with its query. A
// segment that begins with a dot, or with what may be an encoded one, is left to
// the parser.
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

// plainByte tells the bytes that are never encoded, in path or query, nor mean
// anything else there.
var plainByte = func() (plain [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&()*+,;=:@/%?" {
		plain[c] = true
	}
	return plain
}()
