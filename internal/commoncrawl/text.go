package commoncrawl

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// text is the visible text of a page: a line for each block, with white space collapsed
// outside of <pre>. The zero text is empty.
type text struct{ b []byte }

// Bytes returns the text, valid until more is added. A text that is not empty ends with a
// newline.
func (t *text) Bytes() []byte {
	trimmed := bytes.TrimSpace(t.b)
	if len(trimmed) == 0 {
		return nil
	}
	return append(trimmed[:len(trimmed):len(trimmed)], '\n')
}

// line begins a new line unless one has just begun.
func (t *text) line() {
	t.b = bytes.TrimRight(t.b, " ")
	if n := len(t.b); n > 0 && t.b[n-1] != '\n' {
		t.b = append(t.b, '\n')
	}
}

// space separates what follows from what precedes.
func (t *text) space() {
	if n := len(t.b); n > 0 && t.b[n-1] != ' ' && t.b[n-1] != '\n' {
		t.b = append(t.b, ' ')
	}
}

// verbatim adds a text with its white space.
func (t *text) verbatim(s []byte) { t.b = append(t.b, bytes.ReplaceAll(s, []byte("\x00"), nil)...) }

// words adds a text. White space, control characters and no-break spaces become one space.
func (t *text) words(s []byte) {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			t.space()
		} else {
			t.b = append(t.b, s[:n]...)
		}
		s = s[n:]
	}
}

// breaks says how elements separate their text from what is around them: by a line, or by a
// space. All other elements do not separate it, such as <b>.
var breaks = func() map[string]func(*text) {
	all := make(map[string]func(*text))
	for name := range bytes.FieldsSeq([]byte(`address article aside blockquote body br button canvas caption center
		col colgroup dd details dialog dir div dl dt embed fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6
		header hgroup hr li listing main map menu nav noscript object ol optgroup option output p pre progress
		section summary table tbody textarea tfoot th thead title tr ul video xmp`)) {
		all[string(name)] = (*text).line
	}
	for name := range bytes.FieldsSeq([]byte(`audio cite datalist iframe img input label legend q select td time`)) {
		all[string(name)] = (*text).space
	}
	return all
}()
