package rewrite

import (
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"strings"
	"unicode/utf8"
)

// edit replaces an extent with a text.
type edit struct {
	htmltok.Extent
	text string
}

// edits are the edits of one text, in order and without overlaps.
type edits []edit

func (e *edits) replace(at htmltok.Extent, text string) { *e = append(*e, edit{at, text}) }

// apply returns a copy of the text with the edits made, or the text itself if there are
// none.
func (e edits) apply(text []byte) []byte {
	if len(e) == 0 {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8)
	done := 0
	for _, one := range e {
		out = append(append(out, text[done:one.From]...), one.text...)
		done = one.To
	}
	return append(out, text[done:]...)
}

// writtenAttribute is an attribute of a start tag as it is written.
type writtenAttribute struct {
	name  string         // in lower case
	whole htmltok.Extent // from the first letter of the name to the end of the value
	value htmltok.Extent // between the quotes; empty without a value
	quote byte           // 0 for none
	given bool           // it has a value
}

// attributesOf lists the attributes of a start tag in a text (HTML, "before attribute
// name state" and the states after it).
func attributesOf(text []byte, tag htmltok.Extent) []writtenAttribute {
	t := tagReader{text: text, at: tag.From + len("<"), end: tag.To}
	t.until(htmltok.Spaces + "/>")
	var all []writtenAttribute
	for {
		t.skip(htmltok.Spaces + "/")
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

func (t *tagReader) until(chars string) htmltok.Extent {
	from := t.at
	for t.at < t.end && strings.IndexByte(chars, t.text[t.at]) < 0 {
		t.at++
	}
	return htmltok.Extent{From: from, To: t.at}
}

// attribute reads one attribute. The first letter of its name may be "=".
func (t *tagReader) attribute() writtenAttribute {
	from := t.at
	t.at++
	t.until(htmltok.Spaces + "/>=")
	a := writtenAttribute{name: strings.ToLower(string(t.text[from:t.at])), whole: htmltok.Extent{From: from, To: t.at}}
	t.skip(htmltok.Spaces)
	if t.at >= t.end || t.text[t.at] != '=' {
		t.at = max(t.at, a.whole.To)
		return a
	}
	t.at++
	t.skip(htmltok.Spaces)
	a.given = true
	if t.at < t.end && (t.text[t.at] == '"' || t.text[t.at] == '\'') {
		a.quote = t.text[t.at]
		t.at++
		a.value = t.until(string(a.quote))
		t.at = min(t.at+1, t.end)
	} else {
		a.value = t.until(htmltok.Spaces + ">")
	}
	a.whole.To = t.at
	return a
}

// escapeAttribute encodes an attribute's value for either kind of quotes and for every
// charset: it writes non-ASCII characters as character references.
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
