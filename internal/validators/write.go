package validators

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// lineWriters encode lines without their links.
var lineWriters = sync.Pool{New: func() any {
	w := new(lineWriter)
	w.encoder = json.NewEncoder(&w.text)
	w.encoder.SetEscapeHTML(false) // so that URLs stay readable
	return w
}}

type lineWriter struct {
	text    bytes.Buffer
	encoder *json.Encoder
}

// AppendJSON appends the line to lines as JSON, with a newline. A page may have hundreds of links,
// nearly all of them text that JSON does not escape, so they are copied rather than encoded.
func (l Line) AppendJSON(lines []byte) ([]byte, error) {
	var all links
	if l.Page != nil && len(l.Page.Links) > 0 {
		rest := *l.Page
		all, rest.Links = rest.Links, nil
		l.Page = &rest
	}
	w := lineWriters.Get().(*lineWriter)
	defer lineWriters.Put(w)
	w.text.Reset()
	if err := w.encoder.Encode(&l); err != nil {
		return lines, err
	}
	text := w.text.Bytes()
	if all == nil {
		return append(lines, text...), nil
	}
	text = bytes.TrimSuffix(text, []byte("}}\n")) // page is the last field of a line
	lines = append(lines, text...)
	if text[len(text)-1] != '{' {
		lines = append(lines, ',')
	}
	return append(all.appendJSON(append(lines, `"links":`...)), "}}\n"...), nil
}

// links are the links of a page as text. In JSON, one that begins like the one before it, as most do,
// is written as + and the number of bytes that they share, a space, and the rest: it takes a third of
// the space, and less time to compress.
type links []string

func (l links) appendJSON(to []byte) []byte {
	before := ""
	to = append(to, '[')
	for i, link := range l {
		if i > 0 {
			to = append(to, ',')
		}
		n := shared(before, link)
		if n < leastShared {
			n = 0
		}
		if n > 0 || strings.HasPrefix(link, "+") {
			to = strconv.AppendInt(append(to, `"+`...), int64(n), 10)
			to = append(to, ' ')
			to = appendQuoted(to, link[n:])
		} else {
			to = appendQuoted(append(to, '"'), link)
		}
		before = link
	}
	return append(to, ']')
}

// leastShared is from how many shared bytes on they are left out: not fewer than the number takes.
const leastShared = 6

// shared returns how many bytes two texts begin with in common: whole runes, and one byte less than
// either of them.
func shared(a, b string) (n int) {
	most := min(len(a), len(b)) - 1
	for n < most && a[n] == b[n] {
		n++
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return max(n, 0)
}

// MarshalJSON implements [json.Marshaler].
func (l links) MarshalJSON() ([]byte, error) { return l.appendJSON(nil), nil }

// UnmarshalJSON implements [json.Unmarshaler].
func (l *links) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, (*[]string)(l)); err != nil {
		return err
	}
	before := ""
	for i, link := range *l {
		if number, rest, ok := strings.Cut(link, " "); ok && strings.HasPrefix(number, "+") {
			n, err := strconv.Atoi(number[1:])
			if err != nil || n < 0 || n > len(before) {
				return fmt.Errorf("the link %q shares too much with the one before it", link)
			}
			(*l)[i] = before[:n] + rest
		}
		before = (*l)[i]
	}
	return nil
}

// appendQuoted appends the rest of a string as JSON, whose first quotation mark is there.
func appendQuoted(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			text, _ := json.Marshal(s) // cannot fail: it is a string
			return append(to, text[1:]...)
		}
	}
	return append(append(to, s...), '"')
}
