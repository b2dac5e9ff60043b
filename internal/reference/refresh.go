package reference

import (
	"bytes"
	"github.com/trawlcrawler/trawl/internal/htmltok"
)

// InRefresh parses the content of <meta http-equiv=refresh> and returns the reference
// that it leads to, if it has one (HTML, "shared declarative refresh steps").
func InRefresh(content []byte) (ref []byte, ok bool) {
	s := bytes.TrimLeft(content, htmltok.Spaces)
	rest := bytes.TrimLeft(s, "0123456789")
	if len(rest) == len(s) && !bytes.HasPrefix(s, []byte(".")) {
		return nil, false // no time given
	}
	s = bytes.TrimLeft(rest, "0123456789.")
	if len(s) == 0 || s[0] != ';' && s[0] != ',' && !htmltok.IsSpace(s[0]) {
		return nil, false
	}
	s = bytes.TrimLeft(s, htmltok.Spaces)
	if len(s) > 0 && (s[0] == ';' || s[0] == ',') {
		s = bytes.TrimLeft(s[1:], htmltok.Spaces)
	}
	if len(s) == 0 {
		return nil, false // reloads the page itself
	}
	return unquoted(s), true
}

// unquoted removes "url=" and quotes around the reference. What merely resembles "url="
// is part of the reference.
func unquoted(s []byte) []byte {
	if s[0]|0x20 == 'u' {
		if len(s) < 3 || !htmltok.EqualFold(s[:3], "url") {
			return s
		}
		value, ok := bytes.CutPrefix(bytes.TrimLeft(s[3:], htmltok.Spaces), []byte("="))
		if !ok {
			return s
		}
		s = bytes.TrimLeft(value, htmltok.Spaces)
	}
	if len(s) > 0 && (s[0] == '"' || s[0] == '\'') {
		s, _, _ = bytes.Cut(s[1:], s[:1])
	}
	return s
}
