package robots

import (
	"bytes"
	"iter"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// MaxSize is how many bytes of a robots.txt are read. RFC 9309, 2.5 asks for at
// least 500 KiB.
const MaxSize = 512 << 10

// The records of a robots.txt that mean something to us, as their keys in
// lower case.
const (
	keyAgent    = "user-agent"
	keyAllow    = "allow"
	keyDisallow = "disallow"
	keyDelay    = "crawl-delay"
	keySignal   = "content-signal"
	keySitemap  = "sitemap"
)

// records yields each "key: value" line, the key in lower case, without
// comments and the white space around. Lines that are none are skipped: RFC
// 9309, 2.2 wants what can be parsed to count, whatever stands beside it.
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

// text returns as much of a body as is read. A line that the limit may have cut
// is dropped: what is left of it could say something else.
func text(body []byte) string {
	if len(body) < MaxSize {
		return decode(body)
	}
	s := decode(body[:MaxSize])
	return s[:strings.LastIndexAny(s, "\r\n")+1]
}

// decode removes a byte order mark. The protocol is UTF-8, but a mark of UTF-16
// leaves no doubt about what was meant. Octets that are no UTF-8 stay as they
// are, since the octets of a path are what is compared.
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

// condense keeps of a body what Parse reads of it for any product token. The
// page of HTML that many sites answer with becomes nothing.
func condense(body []byte) string {
	var b strings.Builder
	for key, value := range records(body) {
		switch key {
		case keyAgent, keyAllow, keyDisallow, keyDelay, keySignal, keySitemap:
			b.WriteString(key + ":" + value + "\n")
		}
	}
	return b.String()
}
