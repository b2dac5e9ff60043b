package parse

import "bytes"

// refreshTarget reads the content of <meta http-equiv=refresh> and returns the
// reference that it leads to, if it names one (HTML, "shared declarative
// refresh steps").
func refreshTarget(content []byte) (ref []byte, ok bool) {
	s := bytes.TrimLeft(content, spaces)
	rest := bytes.TrimLeft(s, "0123456789")
	if len(rest) == len(s) && !bytes.HasPrefix(s, []byte(".")) {
		return nil, false // no time
	}
	s = bytes.TrimLeft(rest, "0123456789.")
	if len(s) == 0 || s[0] != ';' && s[0] != ',' && !isSpace(s[0]) {
		return nil, false
	}
	s = bytes.TrimLeft(s, spaces)
	if len(s) > 0 && (s[0] == ';' || s[0] == ',') {
		s = bytes.TrimLeft(s[1:], spaces)
	}
	if len(s) == 0 {
		return nil, false // the page itself, again
	}
	return unquoted(s), true
}

// unquoted removes a "url=" and quotes around the reference. What only begins
// like "url=" is part of it.
func unquoted(s []byte) []byte {
	if s[0]|0x20 == 'u' {
		if len(s) < 3 || !equalFold(s[:3], "url") {
			return s
		}
		value, ok := bytes.CutPrefix(bytes.TrimLeft(s[3:], spaces), []byte("="))
		if !ok {
			return s
		}
		s = bytes.TrimLeft(value, spaces)
	}
	if len(s) > 0 && (s[0] == '"' || s[0] == '\'') {
		s, _, _ = bytes.Cut(s[1:], s[:1])
	}
	return s
}
