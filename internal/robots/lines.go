package robots

import (
	"bytes"
	"iter"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// MaxSize is how many bytes of a robots.txt are read. RFC 9309, 2.5 requires at least 500
// KiB.
const MaxSize = 512 << 10

// The keys of the robots.txt records that the parser uses, in lower case.
const (
	keyAgent    = "user-agent"
	keyAllow    = "allow"
	keyDisallow = "disallow"
	keyDelay    = "crawl-delay"
	keySignal   = "content-signal"
	keyUsage    = "content-usage"
	keyLicense  = "license"
	keySitemap  = "sitemap"
)

// records yields each "key: value" line, the key in lower case, without comments and
// surrounding white space. It skips other lines: RFC 9309, 2.2 requires parsing what can
// be parsed, whatever is around it.
func records(body []byte) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for line := range strings.FieldsFuncSeq(text(body), isLineEnd) {
			line, _, _ = strings.Cut(line, "#")
			key, value, ok := strings.Cut(line, ":")
			if ok && !yield(strings.ToLower(trim(key)), trim(value)) {
				return
			}
		}
	}
}

func isLineEnd(r rune) bool { return r == '\n' || r == '\r' }

// trim removes what the grammar calls WS.
func trim(s string) string { return strings.Trim(s, " \t") }

// text returns the part of a body that is read. It drops a line that the limit may have
// cut, because what is left of it could mean something else.
func text(body []byte) string {
	if len(body) < MaxSize {
		return decode(body)
	}
	s := decode(body[:MaxSize])
	return s[:strings.LastIndexAny(s, "\r\n")+1]
}

// decode removes a byte order mark. The protocol requires UTF-8, but a UTF-16 mark leaves
// no doubt. It keeps invalid UTF-8 as it is, because paths are compared by octets.
func decode(body []byte) string {
	if marked(body, "\xff\xfe") || marked(body, "\xfe\xff") {
		utf16 := unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
		if s, err := utf16.NewDecoder().Bytes(body); err == nil {
			return string(s)
		}
	}
	return string(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
}

func marked(body []byte, mark string) bool { return bytes.HasPrefix(body, []byte(mark)) }

// condense keeps the lines of a body that Parse uses for any product token. The HTML page
// that many sites serve as robots.txt becomes empty.
func condense(body []byte) string {
	var b strings.Builder
	for key, value := range records(body) {
		switch key {
		case keyAgent, keyAllow, keyDisallow, keyDelay, keySignal, keyUsage, keyLicense, keySitemap:
			b.WriteString(key + ":" + value + "\n")
		}
	}
	return b.String()
}
