package parse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// mostData is how many bytes of JSON-LD a page may have together.
const mostData = 4 << 20

// readScripts reads the JSON-LD of a page (JSON-LD 1.1, 7: script elements of type
// application/ld+json). What @graph lists stands by itself.
func (g *graph) readScripts(root *html.Node) {
	room := mostData
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "script" || !isLinkedData(n) {
			continue
		}
		var text strings.Builder
		for c := range n.ChildNodes() {
			text.WriteString(c.Data)
		}
		if room -= text.Len(); room < 0 {
			g.complain(fmt.Errorf("there are more than %d bytes", mostData))
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
		g.bad = quotable(err.Error())
	}
}

// addTop notes what stands by itself in a value.
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

// decodeLinkedData reads a block of JSON-LD. Comments of HTML and CDATA around it
// are dropped, and so is what follows the first value if it is a semicolon. Where it
// is no JSON because of line ends and tabs in its strings, which is the most common
// mistake, it is read as if they were escaped.
func decodeLinkedData(text string) (any, error) {
	text = unwrap(text)
	if text == "" {
		return nil, nil
	}
	value, err := decodeJSON([]byte(text))
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		if mended, err := decodeJSON(escapeControls(text)); err == nil {
			return mended, nil
		}
	}
	return value, err
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

// unwrap drops what pages put around JSON so that old browsers, and XML, let it be.
func unwrap(text string) string {
	for {
		was := text
		text = strings.TrimSpace(text)
		for _, before := range []string{"\ufeff", "<!--", "//<![CDATA[", "// <![CDATA[", "/*<![CDATA[*/", "<![CDATA["} {
			text = strings.TrimPrefix(text, before)
		}
		for _, after := range []string{"//-->", "-->", "//]]>", "// ]]>", "/*]]>*/", "]]>", ";"} {
			text = strings.TrimSuffix(text, after)
		}
		if text == was {
			return text
		}
	}
}

// escapeControls escapes control characters within strings.
func escapeControls(text string) []byte {
	var b bytes.Buffer
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
			b.WriteByte(text[i])
		case c == '"':
			quoted = !quoted
			b.WriteByte(c)
		case quoted && c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.Bytes()
}
