package parse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"

	"github.com/trawlcrawler/trawl/crawler"
)

// resolver makes URLs of the references of one document.
type resolver struct {
	base    crawler.Base
	charset encoding.Encoding // of queries; nil for UTF-8
	name    string            // of the charset
}

// reference is an attribute that a document may have: the first one counts.
type reference struct {
	value string
	found bool
}

// set keeps the first value that is offered.
func (r *reference) set(value []byte) {
	if !r.found {
		r.value, r.found = string(value), true
	}
}

// newResolver resolves against the document's <base href>, itself resolved
// against the page's URL, which takes its place when it is no http or https
// URL.
func newResolver(page crawler.URL, base reference, src source) resolver {
	res := resolver{base: page.Base()}
	switch src.charset {
	case "utf-8", "utf-16le", "utf-16be", "replacement": // URL, "get an output encoding"
	default:
		res.charset, res.name = src.encoding, src.charset
	}
	if !base.found {
		return res
	}
	if u, ok := res.url(base.value); ok {
		res.base = u.Base()
	}
	return res
}

// url resolves a reference. It reports false for what is no http or https URL.
func (res resolver) url(ref string) (crawler.URL, bool) {
	u, err := res.resolve(ref)
	return u, err == nil
}

// resolve resolves a reference, or says why it is no http or https URL.
func (res resolver) resolve(ref string) (crawler.URL, error) {
	if res.charset != nil {
		ref = escapeQuery(ref, res.charset)
	}
	return res.base.Resolve(ref)
}

// absolute makes an absolute URL of a reference, or says why it is none. Those that
// are no http or https URLs stay as they are if they have a scheme.
func (res resolver) absolute(ref string) (string, string) {
	if u, ok := res.url(ref); ok {
		return u.String(), ""
	}
	if ref = strings.TrimSpace(ref); hasScheme.MatchString(ref) {
		return clean(ref), ""
	}
	return "", fmt.Sprintf("%q is no URL", quotable(ref))
}

// hasScheme matches URLs of schemes that are not fetched, such as mailto.
var hasScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:[^/]`)

// reference makes a reference absolute, if it can be.
func (res resolver) reference(ref string) string {
	if u, why := res.absolute(ref); why == "" {
		return u
	}
	return clean(ref)
}

// escapeQuery percent-encodes the characters beyond ASCII in the query of a
// reference as the document's charset writes them (URL, "percent-encode after
// encoding"): servers of such documents expect that. All bytes of such a
// character are escaped, also those that look like ASCII, which the standard
// leaves bare; both mean the same to a server.
func escapeQuery(ref string, charset encoding.Encoding) string {
	mark := strings.IndexByte(ref, '?')
	if mark < 0 {
		return ref
	}
	end := len(ref)
	if fragment := strings.IndexByte(ref, '#'); fragment >= 0 {
		end = fragment
	}
	if mark > end || isASCII([]byte(ref[mark:end])) {
		return ref
	}
	encoder := charset.NewEncoder()
	b := []byte(ref[:mark])
	for query := ref[mark:end]; query != ""; {
		r, size := utf8.DecodeRuneInString(query)
		if r < utf8.RuneSelf {
			b = append(b, query[0])
		} else {
			b = appendEscaped(b, query[:size], r, encoder)
		}
		query = query[size:]
	}
	return string(append(b, ref[end:]...))
}

// appendEscaped escapes one character. One that the charset lacks becomes a
// character reference, as in forms.
func appendEscaped(b []byte, char string, r rune, encoder *encoding.Encoder) []byte {
	encoded, err := encoder.String(char)
	if err != nil {
		b = append(b, "%26%23"...)
		b = strconv.AppendInt(b, int64(r), 10)
		return append(b, "%3B"...)
	}
	const digits = "0123456789ABCDEF"
	for i := range len(encoded) {
		b = append(b, '%', digits[encoded[i]>>4], digits[encoded[i]&0xf])
	}
	return b
}
