package fields

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/trawlcrawler/trawl/internal/htmltok"
	"golang.org/x/net/html"
)

// maxData is how many bytes of JSON-LD a page may have in total.
const maxData = 4 << 20

// readScripts parses the JSON-LD of a page (JSON-LD 1.1, 7: script elements of type
// application/ld+json). The items of @graph are top-level values.
func (g *graph) readScripts(root *html.Node) {
	room := maxData
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "script" || !isLinkedData(n) {
			continue
		}
		var text strings.Builder
		for c := range n.ChildNodes() {
			text.WriteString(c.Data)
		}
		if room -= text.Len(); room < 0 {
			g.complain(fmt.Errorf("there are more than %d bytes", maxData))
			return
		}
		value, err := decodeLinkedData(text.String())
		if err != nil {
			g.complain(err)
			continue
		}
		g.addTop(value, 0)
	}
}

func isLinkedData(script *html.Node) bool {
	kind, _ := attributeOf(script, "type")
	kind, _, _ = strings.Cut(kind, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/ld+json")
}

func (g *graph) complain(err error) {
	if g.bad == "" {
		g.bad = htmltok.Quotable(err.Error())
	}
}

// addTop adds the top-level values in a value.
func (g *graph) addTop(value any, depth int) {
	switch v := value.(type) {
	case []any:
		for _, x := range v {
			if depth < deepestData {
				g.addTop(x, depth+1)
			}
		}
	case map[string]any:
		if list, ok := v["@graph"]; ok && depth < deepestData {
			g.addTop(list, depth+1)
			if v["@type"] == nil {
				return
			}
		}
		g.tops = append(g.tops, v)
	}
}

// decodeLinkedData parses a block of JSON-LD. If it is not valid JSON, it is tidied and
// parsed again. If that fails too, the error is that of the original text.
func decodeLinkedData(text string) (any, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	value, err := decodeJSON([]byte(text))
	if err == nil {
		return value, nil
	}
	t := tidier{text: text}
	switch tidied := t.tidy(); {
	case len(tidied) == 0:
		return nil, nil // only comments
	default:
		if mended, failed := decodeJSON(tidied); failed == nil {
			return mended, nil
		}
	}
	return nil, err
}

func decodeJSON(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("there is more than one value in a block")
	}
	return value, nil
}

// tidier turns text that is nearly JSON into JSON. Outside of strings it removes comments
// (of JavaScript and of HTML), the markers of CDATA sections in any spelling, semicolons,
// and superfluous commas. Within strings it escapes control characters.
type tidier struct {
	text    string
	at      int
	out     []byte
	last    int  // index of the last byte of out that is not a space; -1 for none
	endless bool // no HTML comment ends after this point
}

// cdataMarks begin and end a CDATA section. Pages also write them with character
// references, although a script in HTML has none.
var cdataMarks = []string{"<![cdata[", "&lt;![cdata[", "]]>", "]]&gt;"}

func (t *tidier) tidy() []byte {
	t.out, t.last = make([]byte, 0, len(t.text)), -1
	for t.at < len(t.text) {
		switch c := t.text[t.at]; {
		case c == '"':
			t.quoted()
		case strings.IndexByte("<&]-;/\xef", c) >= 0 && t.wrapping():
		case c == ',' && t.separatesNothing():
			t.at++
		default:
			if c == '}' || c == ']' {
				t.dropComma()
			}
			t.write(c)
			t.at++
		}
	}
	t.dropComma()
	return bytes.TrimSpace(t.out)
}

// write adds a byte of JSON.
func (t *tidier) write(c byte) {
	if !htmltok.IsSpace(c) {
		t.last = len(t.out)
	}
	t.out = append(t.out, c)
}

// wrapping skips what is not JSON, and reports whether it did.
func (t *tidier) wrapping() bool {
	switch {
	case t.mark(cdataMarks...), t.mark("-->", "\ufeff", ";"):
	case t.mark("<!--"):
		t.htmlComment()
	case t.mark("//"):
		t.lineComment()
	case t.mark("/*"):
		t.passBehind("*/")
	default:
		return false
	}
	return true
}

// starts reports whether the rest begins with a text, ignoring the case of ASCII letters.
func (t *tidier) starts(text string) bool {
	rest := t.text[t.at:]
	return len(rest) >= len(text) && htmltok.EqualFold([]byte(rest[:len(text)]), text)
}

// mark skips one of several marks, and reports whether it did.
func (t *tidier) mark(marks ...string) bool {
	for _, m := range marks {
		if t.starts(m) {
			t.at += len(m)
			return true
		}
	}
	return false
}

// passBehind skips to the end of the next occurrence of a text, or to the end of the
// input.
func (t *tidier) passBehind(text string) {
	if i := strings.Index(t.text[t.at:], text); i >= 0 {
		t.at += i + len(text)
		return
	}
	t.at = len(t.text)
}

// lineComment skips a comment up to the end of its line. If the comment only hides a mark
// from scripts, it ends after the mark, because JSON may follow on the same line.
func (t *tidier) lineComment() {
	line := t.at
	for t.at < len(t.text) && (t.text[t.at] == ' ' || t.text[t.at] == '\t') {
		t.at++
	}
	if t.mark(cdataMarks...) || t.mark("<!--", "-->") {
		return
	}
	t.at = line
	if i := strings.IndexAny(t.text[t.at:], "\r\n"); i >= 0 {
		t.at += i
		return
	}
	t.at = len(t.text)
}

// htmlComment skips an HTML comment. If the comment only hides the JSON from old
// browsers, it skips just its beginning.
func (t *tidier) htmlComment() {
	next := strings.TrimLeft(t.text[t.at:], htmltok.Spaces)
	if t.endless || next != "" && strings.IndexByte("{[/<", next[0]) >= 0 {
		return
	}
	if t.endless = !strings.Contains(next, "-->"); !t.endless {
		t.passBehind("-->")
	}
}

// quoted copies a string.
func (t *tidier) quoted() {
	t.write('"')
	for t.at++; t.at < len(t.text); t.at++ {
		switch c := t.text[t.at]; {
		case c == '"':
			t.write(c)
			t.at++
			return
		case c == '\\' && t.at+1 < len(t.text):
			t.out = append(t.out, c, t.text[t.at+1])
			t.at++
		case c < ' ':
			t.out = fmt.Appendf(t.out, `\u%04x`, c)
		default:
			t.out = append(t.out, c)
		}
	}
}

// separatesNothing reports whether nothing precedes a comma.
func (t *tidier) separatesNothing() bool {
	return t.last < 0 || strings.IndexByte(",[{", t.out[t.last]) >= 0
}

// dropComma removes a comma that nothing follows.
func (t *tidier) dropComma() {
	if t.last >= 0 && t.out[t.last] == ',' {
		t.out[t.last] = ' '
	}
}
