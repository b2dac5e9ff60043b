package parse

import (
	"bytes"
	"net/http"
	"strings"
)

// mediaType is a Content-Type: what Trawl needs of it. The zero mediaType is
// one that is absent or can not be read.
type mediaType struct {
	essence string // "type/subtype", lower case
	charset string // the charset parameter as written; "" when there is none
}

// declaredType reads the Content-Type of a response. Of several, the last that
// names a type counts (Fetch, "extract a MIME type").
func declaredType(h http.Header) mediaType {
	var last mediaType
	for _, value := range h["Content-Type"] {
		if m, ok := parseMediaType(value); ok && m.essence != "*/*" {
			last = m
		}
	}
	return last
}

// parseMediaType reads a Content-Type by the rules of the WHATWG MIME Sniffing
// standard, 4.4, which gives no value up for the sake of a bad parameter, as
// mime.ParseMediaType does.
func parseMediaType(value string) (mediaType, bool) {
	essence, params, _ := strings.Cut(strings.Trim(value, httpSpace), ";")
	essence = strings.TrimRight(essence, httpSpace)
	kind, subtype, ok := strings.Cut(essence, "/")
	if !ok || !isToken(kind) || !isToken(subtype) {
		return mediaType{}, false
	}
	return mediaType{strings.ToLower(essence), charsetParameter(params)}, true
}

// charsetParameter finds the first charset with a value among parameters.
func charsetParameter(params string) string {
	for params != "" {
		params = strings.TrimLeft(params, httpSpace)
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

// parameterValue reads what follows a parameter's equals sign, and returns the
// parameters behind it.
func parameterValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return strings.TrimRight(value, httpSpace), rest
	}
	value, rest = quotedString(s[1:])
	_, rest, _ = strings.Cut(rest, ";")
	return value, rest
}

// quotedString reads up to the closing quote, or to the end when there is none
// (Fetch, "collect an HTTP quoted string").
func quotedString(s string) (value, rest string) {
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

const httpSpace = " \t\r\n"

// isToken reports whether s is a token of RFC 9110, 5.6.2.
func isToken(s string) bool {
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

// noSniff reports whether the server forbids to guess (Fetch, "determine
// nosniff").
func noSniff(h http.Header) bool {
	first, _, _ := strings.Cut(h.Get("X-Content-Type-Options"), ",")
	return strings.EqualFold(strings.Trim(first, httpSpace), "nosniff")
}

// isHTML reports whether a body is to be read as HTML: because it is declared
// to be, or because nothing is declared and it looks so (WHATWG MIME Sniffing,
// 7). What is declared as something else, text/plain too, never becomes HTML.
// A byte order mark before the first tag is passed over, which browsers do not.
func isHTML(declared mediaType, noSniff bool, head []byte) bool {
	switch declared.essence {
	case "text/html", xhtml:
		return true
	case "", "unknown/unknown", "application/unknown":
		sniffed := http.DetectContentType(bytes.TrimPrefix(head, bomUTF8))
		return !noSniff && strings.HasPrefix(sniffed, "text/html")
	}
	return false
}

const xhtml = "application/xhtml+xml"
