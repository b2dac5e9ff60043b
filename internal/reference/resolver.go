package reference

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/htmltok"
)

// MaxLinks is how many different references of a page are followed.
const MaxLinks = 50_000

// Resolver resolves the references of one document.
type Resolver struct {
	base    crawler.Base
	charset encoding.Encoding // encoding of queries; nil for UTF-8
	name    string            // of the charset
}

// First is an attribute of which the first in a document counts.
type First struct {
	Value string
	Found bool
}

// Set keeps the first value.
func (r *First) Set(value []byte) {
	if !r.Found {
		r.Value, r.Found = string(value), true
	}
}

// NewResolver returns a resolver for the document's <base href>, which is itself resolved
// against the page's URL. If there is none, or it is not an http or https URL, the page's
// URL is the base.
func NewResolver(page crawler.URL, base First, src charset.Source) Resolver {
	res := Resolver{base: page.Base()}
	switch src.Charset {
	case "utf-8", "utf-16le", "utf-16be", "replacement": // URL, "get an output encoding"
	default:
		res.charset, res.name = src.Encoding, src.Charset
	}
	if !base.Found {
		return res
	}
	if u, ok := res.URL(base.Value); ok {
		res.base = u.Base()
	}
	return res
}

// ResolverAt returns a resolver for what has no <base href> and no charset of its own, such
// as the headers of a page.
func ResolverAt(page crawler.URL) Resolver { return Resolver{base: page.Base()} }

// Folder names what references are resolved against: two resolvers with the same folder
// resolve every reference in the same way that begins in that folder.
func (res Resolver) Folder() string {
	if res.charset != nil {
		return res.base.Folder() + " " + res.name
	}
	return res.base.Folder()
}

// URL resolves a reference. It returns false if the result is not an http or https URL.
func (res Resolver) URL(ref string) (crawler.URL, bool) {
	u, err := res.Resolve(ref)
	return u, err == nil
}

// Resolve resolves a reference, or returns why the result is not an http or https URL.
func (res Resolver) Resolve(ref string) (crawler.URL, error) {
	if res.charset != nil {
		ref = escapeQuery(ref, res.charset)
	}
	return res.base.Resolve(ref)
}

// Absolute makes a reference absolute, or returns why it cannot. URLs with another scheme
// than http and https stay as they are.
func (res Resolver) Absolute(ref string) (string, string) {
	if u, ok := res.URL(ref); ok {
		return u.String(), ""
	}
	if ref = strings.TrimSpace(ref); hasScheme.MatchString(ref) {
		return htmltok.Clean(ref), ""
	}
	return "", fmt.Sprintf("%q is not a URL", htmltok.Quotable(ref))
}

// hasScheme matches URLs with schemes that are not fetched, such as mailto.
var hasScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:[^/]`)

// Reference makes a reference absolute if possible.
func (res Resolver) Reference(ref string) string {
	if u, why := res.Absolute(ref); why == "" {
		return u
	}
	return htmltok.Clean(ref)
}

// escapeQuery percent-encodes the non-ASCII characters in the query of a reference in the
// document's charset (URL, "percent-encode after encoding"), which servers of such
// documents expect. It escapes all bytes of such a character. The standard leaves those
// that look like ASCII unescaped; both mean the same to a server.
func escapeQuery(ref string, enc encoding.Encoding) string {
	mark := strings.IndexByte(ref, '?')
	if mark < 0 {
		return ref
	}
	end := len(ref)
	if fragment := strings.IndexByte(ref, '#'); fragment >= 0 {
		end = fragment
	}
	if mark > end || charset.IsASCII([]byte(ref[mark:end])) {
		return ref
	}
	encoder := enc.NewEncoder()
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

// appendEscaped escapes one character. If the charset does not have the character, it
// becomes a character reference, as in forms.
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
