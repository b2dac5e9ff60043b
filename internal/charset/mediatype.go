package charset

import (
	"bytes"
	"net/http"
	"strings"
)

// MediaType is the part of a Content-Type that Trawl uses. The zero mediaType stands for
// one that is absent or invalid.
type MediaType struct {
	Essence string // "type/subtype", lower case
	Charset string // the charset parameter as written; "" if it is missing
}

// DeclaredType returns the Content-Type of a response. Of several, the last valid one
// counts (Fetch, "extract a MIME type").
func DeclaredType(h http.Header) MediaType {
	var last MediaType
	for _, value := range h["Content-Type"] {
		if m, ok := ParseMediaType(value); ok && m.Essence != "*/*" {
			last = m
		}
	}
	return last
}

// ParseMediaType parses a Content-Type by the rules of the WHATWG MIME Sniffing standard,
// 4.4. Unlike mime.ParseMediaType, these do not reject a value because of a bad
// parameter.
func ParseMediaType(value string) (MediaType, bool) {
	essence, params, _ := strings.Cut(strings.Trim(value, HTTPSpace), ";")
	essence = strings.TrimRight(essence, HTTPSpace)
	kind, subtype, ok := strings.Cut(essence, "/")
	if !ok || !IsToken(kind) || !IsToken(subtype) {
		return MediaType{}, false
	}
	return MediaType{strings.ToLower(essence), charsetParameter(params)}, true
}

// charsetParameter returns the first valid charset among parameters.
func charsetParameter(params string) string {
	for params != "" {
		params = strings.TrimLeft(params, HTTPSpace)
		end := strings.IndexAny(params, ";=")
		if end < 0 {
			return ""
		}
		name, isValue := params[:end], params[end] == '='
		params = params[end+1:]
		if !isValue {
			continue
		}
		var value string
		value, params = parameterValue(params)
		if value != "" && strings.EqualFold(name, "charset") && isQuotable(value) {
			return value
		}
	}
	return ""
}

// parameterValue parses what follows a parameter's equals sign, and returns the remaining
// parameters.
func parameterValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return strings.TrimRight(value, HTTPSpace), rest
	}
	value, rest = QuotedString(s[1:])
	_, rest, _ = strings.Cut(rest, ";")
	return value, rest
}

// QuotedString reads up to the closing quote, or to the end if there isn't one (Fetch,
// "collect an HTTP quoted string").
func QuotedString(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// HTTPSpace is the white space of HTTP (Fetch, "HTTP whitespace").
const HTTPSpace = " \t\r\n"

// IsToken reports whether s is a token according to RFC 9110, 5.6.2.
func IsToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, s[i]) >= 0 {
			return false
		}
	}
	return s != ""
}

// isQuotable reports whether s may be the value of a parameter.
func isQuotable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// NoSniff reports whether the server forbids sniffing (Fetch, "determine nosniff").
func NoSniff(h http.Header) bool {
	first, _, _ := strings.Cut(h.Get("X-Content-Type-Options"), ",")
	return strings.EqualFold(strings.Trim(first, HTTPSpace), "nosniff")
}

// IsHTML reports whether a body is parsed as HTML: because it is declared to be HTML, or
// because nothing is declared and it looks like HTML (WHATWG MIME Sniffing, 7). A body
// that is declared to be something else, even text/plain, is never parsed as HTML. Unlike
// browsers, IsHTML ignores a byte order mark before the first tag. An SVG document is
// parsed, for its links, like SVG within a page.
func IsHTML(declared MediaType, noSniff bool, head []byte) bool {
	switch declared.Essence {
	case "text/html", XHTML, "image/svg+xml":
		return true
	case "", "unknown/unknown", "application/unknown":
		sniffed := http.DetectContentType(bytes.TrimPrefix(head, bomUTF8))
		return !noSniff && strings.HasPrefix(sniffed, "text/html")
	}
	return false
}

// XHTML is the media type of XHTML.
const XHTML = "application/xhtml+xml"
