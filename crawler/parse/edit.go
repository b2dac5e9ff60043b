package parse

import (
	"strings"
	"unicode/utf8"
)

// extent is a part of a text, from its first byte to the one behind its last.
type extent struct{ from, to int }

// edit puts a text in the place of a extent.
type edit struct {
	extent
	text string
}

// edits are those of one text, in their order; no two overlap.
type edits []edit

func (e *edits) replace(at extent, text string) { *e = append(*e, edit{at, text}) }

// apply returns the text as it is with the edits made, and the text itself when
// there are none.
func (e edits) apply(text []byte) []byte {
	if len(e) == 0 {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8)
	done := 0
	for _, one := range e {
		out = append(append(out, text[done:one.from]...), one.text...)
		done = one.to
	}
	return append(out, text[done:]...)
}

// writtenAttribute is one of a start tag, as it is written.
type writtenAttribute struct {
	name  string // in lower case
	whole extent // from the first letter of the name to behind the value
	value extent // between the quotes; empty where there is none
	quote byte   // 0 for none
	given bool   // it has a value
}

// attributesOf lists the attributes of a start tag that begins at a place in a
// text (HTML, "before attribute name state" and those behind it).
func attributesOf(text []byte, tag extent) []writtenAttribute {
	t := tagReader{text: text, at: tag.from + len("<"), end: tag.to}
	t.until(spaces + "/>")
	var all []writtenAttribute
	for {
		t.skip(spaces + "/")
		if t.at >= t.end || t.text[t.at] == '>' {
			return all
		}
		all = append(all, t.attribute())
	}
}

// tagReader reads a tag.
type tagReader struct {
	text    []byte
	at, end int
}

func (t *tagReader) skip(chars string) {
	for t.at < t.end && strings.IndexByte(chars, t.text[t.at]) >= 0 {
		t.at++
	}
}

func (t *tagReader) until(chars string) extent {
	from := t.at
	for t.at < t.end && strings.IndexByte(chars, t.text[t.at]) < 0 {
		t.at++
	}
	return extent{from, t.at}
}

// attribute reads one, at the first letter of its name, which may be "=".
func (t *tagReader) attribute() writtenAttribute {
	from := t.at
	t.at++
	t.until(spaces + "/>=")
	a := writtenAttribute{name: strings.ToLower(string(t.text[from:t.at])), whole: extent{from, t.at}}
	t.skip(spaces)
	if t.at >= t.end || t.text[t.at] != '=' {
		t.at = max(t.at, a.whole.to)
		return a
	}
	t.at++
	t.skip(spaces)
	a.given = true
	if t.at < t.end && (t.text[t.at] == '"' || t.text[t.at] == '\'') {
		a.quote = t.text[t.at]
		t.at++
		a.value = t.until(string(a.quote))
		t.at = min(t.at+1, t.end)
	} else {
		a.value = t.until(spaces + ">")
	}
	a.whole.to = t.at
	return a
}

// escapeAttribute writes an attribute's value, for quotes of either kind and for
// every charset: what is not ASCII as character references.
func escapeAttribute(value string) string {
	var b strings.Builder
	for _, r := range value {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '"' || r == '\'' || r == '<' || r == '>' || r >= utf8.RuneSelf:
			b.WriteString(numericReference(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
