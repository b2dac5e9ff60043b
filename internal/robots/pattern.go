package robots

import "strings"

// pattern is the path of a rule, in which "*" matches any octets and "$" at the end
// matches the end of the path (RFC 9309, 2.2.3). It is stored as the literals between the
// stars, normalized by [plain].
type pattern struct {
	prefix   string   // before the first star
	inner    []string // after a star, in order, none empty
	suffix   string   // after the last star, if the pattern is anchored
	starred  bool     // there is a star
	anchored bool     // it ends with "$"
	octets   int      // its length; the longest matching rule applies
}

func newPattern(value string) pattern {
	value, anchored := strings.CutSuffix(value, "$")
	head, tail, starred := strings.Cut(value, "*")
	p := pattern{prefix: plain(head), starred: starred, anchored: anchored}
	for literal := range strings.FieldsFuncSeq(tail, isStar) {
		p.inner = append(p.inner, plain(literal))
	}
	p.octets = p.length(strings.Count(value, "*"))
	if last := len(p.inner) - 1; last >= 0 && anchored && !strings.HasSuffix(value, "*") {
		p.inner, p.suffix = p.inner[:last], p.inner[last]
	}
	return p
}

// String returns the pattern as a robots.txt writes it.
func (p *pattern) String() string {
	var b strings.Builder
	b.WriteString(p.prefix)
	for _, literal := range p.inner {
		b.WriteString("*" + literal)
	}
	switch {
	case p.suffix != "":
		b.WriteString("*" + p.suffix)
	case p.starred && (len(p.inner) == 0 || p.anchored):
		b.WriteByte('*')
	}
	if p.anchored {
		b.WriteByte('$')
	}
	return b.String()
}

func isStar(r rune) bool { return r == '*' }

// length counts the octets of the pattern as they are written in a URL. So a rule has the
// same length whether its author wrote ü or %C3%BC, $ or %24.
func (p *pattern) length(stars int) int {
	n := stars + spelled(p.prefix)
	for _, literal := range p.inner {
		n += spelled(literal)
	}
	if p.anchored {
		n++
	}
	return n
}

// matches reports whether the pattern matches a path that was normalized by [plain]. It
// takes each literal at its first occurrence after the previous one, which leaves the
// most for the literals that follow. So it never backtracks, and the time is linear in
// the length of the path.
func (p *pattern) matches(path string) bool {
	rest, ok := strings.CutPrefix(path, p.prefix)
	if !ok {
		return false
	}
	if !p.starred {
		return !p.anchored || rest == ""
	}
	for _, literal := range p.inner {
		if _, rest, ok = strings.Cut(rest, literal); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, p.suffix)
}

// plain normalizes paths and patterns for comparison by decoding escapes. RFC 9309, 2.2.2
// normalizes the other way, by escaping all but unreserved octets; both make the same
// paths equal. It keeps the escapes of "/" and "?", which give a path its structure, and
// of "%".
func plain(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for len(s) > 0 {
		octet, n := next(s)
		if n > 1 && strings.IndexByte("/?%", octet) >= 0 {
			b = append(b, strings.ToUpper(s[:n])...)
		} else {
			b = append(b, octet)
		}
		s = s[n:]
	}
	return string(b)
}

// next returns the first octet of s and how many bytes encode it: three if it is an
// escape.
func next(s string) (octet byte, n int) {
	if len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2]) {
		return unhex(s[1])<<4 | unhex(s[2]), 3
	}
	return s[0], 1
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// spelled returns the length of octets in a URL, where an octet that must be escaped
// takes three bytes (RFC 3986, 2).
func spelled(octets string) int {
	n := len(octets)
	for i := range len(octets) {
		if c := octets[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			n += 2
		}
	}
	return n
}
