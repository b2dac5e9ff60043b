package warc

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Values of the named fields of WARC 1.1 (ISO 28500:2017). In this package's WARC code, a
// bare number such as 6.7.2 is a section of that standard.
const (
	warcVersion  = "WARC/1.1\r\n"
	typeRequest  = "application/http; msgtype=request"
	typeResponse = "application/http; msgtype=response"
	typeFields   = "application/warc-fields"
	profileSame  = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest" // 6.7.2
	profileStill = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"      // 6.7.3
	// ConformsTo is the value of conformsTo in a warcinfo record (10.1).
	ConformsTo = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
)

// Fields holds the named fields of a WARC record, or of a block of them. Values from the
// web cannot break its lines.
type Fields []byte

// Add appends one field. It replaces control characters by spaces, and invalid UTF-8 by
// U+FFFD.
func (f *Fields) Add(name, value string) {
	*f = append(append(append(append(*f, name...), ": "...), InLine(value)...), "\r\n"...)
}

// number appends a field with a decimal value.
func (f *Fields) number(name string, n int64) { f.Add(name, strconv.FormatInt(n, 10)) }

// get returns the value of the first field with that name, or "".
func (f Fields) get(name string) string {
	for line := range strings.Lines(string(f)) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimRight(value, "\r\n")
		}
	}
	return ""
}

// InLine returns s as a value of one line.
func InLine(s string) string {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return strings.Map(visible, strings.ToValidUTF8(s, "\uFFFD"))
		}
	}
	return s
}

func visible(r rune) rune {
	if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
		return ' '
	}
	return r
}

// recordID is a WARC-Record-ID (5.2).
type recordID [16]byte

// newID returns a random UUID (RFC 9562, 5.4).
func newID() (id recordID) {
	_, _ = rand.Read(id[:]) // never fails
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String returns the ID as a URI in angle brackets.
func (id recordID) String() string {
	h := hex.EncodeToString(id[:])
	return "<urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:] + ">"
}

// SHA1 is a digest in the form that indexes and WARC readers support best: SHA-1 in
// Base32 (5.8).
type SHA1 [20]byte

func (d SHA1) String() string { return "sha1:" + base32.StdEncoding.EncodeToString(d[:]) }

// warcDate formats a time to the microsecond. WARC 1.1 allows nanoseconds (5.4), but some
// readers do not support them.
func warcDate(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// hops describes how a page was found, in Heritrix's notation: L for a link, R for a
// redirect, P for a prerequisite such as robots.txt. Beyond fifty, it has the last fifty,
// preceded by the number of the others.
func hops(links, redirects int, prerequisite bool) string {
	const most = 50
	path := strings.Repeat("L", min(links, most)) + strings.Repeat("R", min(redirects, most))
	n := links + redirects
	if prerequisite {
		path, n = path+"P", n+1
	}
	if n <= most {
		return path
	}
	return strconv.Itoa(n-most) + "+" + path[len(path)-most:]
}

// AppendJSON appends s as a JSON string and leaves &, < and > as they are.
func AppendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20 || r == 0x7f:
			const digits = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&0xf])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
