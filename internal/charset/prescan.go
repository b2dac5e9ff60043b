package charset

import (
	"bytes"
	"strings"

	"github.com/trawlcrawler/trawl/internal/htmltok"
	"golang.org/x/net/html"
)

// prescanned is how many bytes of a document are searched for a meta element with a
// charset.
const prescanned = 1024

// metaCharset returns the charset that a meta element in the first bytes of a document
// declares, or "" (HTML, "prescan a byte stream to determine its encoding"). It looks at
// bytes, not elements: a meta inside a script counts, as it does in browsers.
func metaCharset(body []byte) string {
	p := prescan{b: body[:min(len(body), prescanned)]}
	for p.i < len(p.b) {
		rest := p.b[p.i:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			p.skip(2) // <!--> is a whole comment
			p.skipPast("-->")
		case isMeta(rest):
			p.skip(len("<meta"))
			if name := p.meta(); name != "" {
				return name
			}
		case htmltok.IsTag(rest):
			p.skipTag()
		case len(rest) > 1 && rest[0] == '<' && strings.IndexByte("!/?", rest[1]) >= 0:
			p.skipPast(">")
		default:
			p.skip(1)
			p.skipTo("<")
		}
	}
	return ""
}

// lateCharset returns the charset that the first meta element of a document declares,
// wherever it is, or "" (HTML, 13.2.6.4.4: while the encoding is tentative, a meta
// element that the parser finds changes it). Unlike metaCharset it looks at elements:
// what is in a script or a comment does not count. The charset of such a document must be
// one in which markup looks like ASCII.
func lateCharset(body []byte) string {
	if !hasMeta(body) {
		return ""
	}
	var (
		m    htmltok.Tokenizer
		open htmltok.Nesting
		room htmltok.TagName
	)
	for m.Reset(body); ; {
		kind := m.Next()
		switch kind {
		case html.ErrorToken:
			return ""
		case html.EndTagToken:
			open.Close(room.Of(m.Raw()[len("</"):]))
			m.AllowCDATA(open.Foreign())
			continue
		case html.StartTagToken, html.SelfClosingTagToken:
		default:
			continue
		}
		name := room.Of(m.Raw()[len("<"):])
		isHTML := open.Open(name, kind == html.SelfClosingTagToken)
		m.AllowCDATA(open.Foreign())
		if !isHTML || string(name) == "noscript" { // scripts are not run, so noscript contains elements
			m.NextIsNotRawText()
		}
		if isHTML && !open.Inert() && string(name) == "meta" {
			p := prescan{b: m.Raw()}
			p.skip(len("<meta"))
			if charset := p.meta(); charset != "" {
				return charset
			}
		}
	}
}

// hasMeta reports whether a document may contain a meta element.
func hasMeta(body []byte) bool {
	for {
		i := bytes.IndexByte(body, '<')
		if i < 0 {
			return false
		}
		if body = body[i:]; isMeta(body) {
			return true
		}
		body = body[1:]
	}
}

func isMeta(b []byte) bool {
	return len(b) > 5 && bytes.EqualFold(b[:5], []byte("<meta")) && (htmltok.IsSpace(b[5]) || b[5] == '/')
}

// prescan is a position in the first bytes of a document. What those bytes cut off does
// not count.
type prescan struct {
	b []byte
	i int
}

func (p *prescan) skip(n int) { p.i = min(p.i+n, len(p.b)) }

func (p *prescan) skipTo(s string) {
	if at := bytes.Index(p.b[p.i:], []byte(s)); at >= 0 {
		p.skip(at)
		return
	}
	p.i = len(p.b)
}

func (p *prescan) skipPast(s string) {
	p.skipTo(s)
	p.skip(len(s))
}

// skipWhile skips bytes for which ok is true, and returns them.
func (p *prescan) skipWhile(ok func(byte) bool) []byte {
	start := p.i
	for p.i < len(p.b) && ok(p.b[p.i]) {
		p.i++
	}
	return p.b[start:p.i]
}

// next returns the byte at the position, or 0 at the end.
func (p *prescan) next() byte {
	if p.i < len(p.b) {
		return p.b[p.i]
	}
	return 0
}

func (p *prescan) skipTag() {
	p.skipWhile(func(c byte) bool { return !htmltok.IsSpace(c) && c != '>' })
	for more := true; more; {
		_, _, more = p.attribute()
	}
}

// meta parses the attributes of a meta element and returns the charset that they declare.
func (p *prescan) meta() string {
	var pragma, content, label []byte
	for {
		name, value, ok := p.attribute()
		if !ok {
			break
		}
		switch {
		case pragma == nil && bytes.EqualFold(name, []byte("http-equiv")):
			pragma = value
		case content == nil && bytes.EqualFold(name, []byte("content")):
			content = value
		case label == nil && bytes.EqualFold(name, []byte("charset")):
			label = value
		}
	}
	switch {
	case p.i == len(p.b): // cut off
		return ""
	case label != nil:
		return metaName(string(label))
	case bytes.EqualFold(pragma, []byte("content-type")):
		return metaName(contentCharset(string(content)))
	}
	return ""
}

// metaName returns the charset that a label in a document means. A document whose label
// can be read byte by byte is not in UTF-16.
func metaName(label string) string {
	switch name := Name(label); name {
	case "utf-16le", "utf-16be":
		return "utf-8"
	case "x-user-defined":
		return "windows-1252"
	default:
		return name
	}
}

// attribute parses one attribute (HTML, "get an attribute" of the prescan). The value is
// not nil. ok is false at the end of the tag.
func (p *prescan) attribute() (name, value []byte, ok bool) {
	p.skipWhile(func(c byte) bool { return htmltok.IsSpace(c) || c == '/' })
	if c := p.next(); c == '>' || p.i == len(p.b) {
		return nil, nil, false
	}
	start := p.i
	p.skip(1) // an equals sign may begin a name
	p.skipWhile(func(c byte) bool { return !htmltok.IsSpace(c) && c != '=' && c != '/' && c != '>' })
	name = p.b[start:p.i]
	p.skipWhile(htmltok.IsSpace)
	if p.next() != '=' {
		return name, []byte{}, true
	}
	p.skip(1)
	p.skipWhile(htmltok.IsSpace)
	if quote := p.next(); quote == '"' || quote == '\'' {
		p.skip(1)
		value = p.skipWhile(func(c byte) bool { return c != quote })
		p.skip(1)
		return name, value, true
	}
	return name, p.skipWhile(func(c byte) bool { return !htmltok.IsSpace(c) && c != '>' }), true
}

// contentCharset returns the label in the content of a meta element (HTML, "extracting a
// character encoding from a meta element").
func contentCharset(content string) string {
	s := strings.ToLower(content)
	for {
		var found bool
		if _, s, found = strings.Cut(s, "charset"); !found {
			return ""
		}
		value, assigned := strings.CutPrefix(strings.TrimLeft(s, htmltok.Spaces), "=")
		if !assigned {
			continue
		}
		value = strings.TrimLeft(value, htmltok.Spaces)
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			label, _, closed := strings.Cut(value[1:], value[:1])
			if !closed {
				return ""
			}
			return label
		}
		if end := strings.IndexAny(value, ";"+htmltok.Spaces); end >= 0 {
			value = value[:end]
		}
		return value
	}
}

// xmlCharset returns the charset that an XML declaration names, or "" (HTML, "get an XML
// encoding").
func xmlCharset(body []byte) string {
	body = body[:min(len(body), prescanned)]
	if !bytes.HasPrefix(body, []byte("<?xml")) {
		return ""
	}
	declaration, _, closed := bytes.Cut(body, []byte(">"))
	_, value, found := bytes.Cut(declaration, []byte("encoding"))
	value, assigned := bytes.CutPrefix(bytes.TrimLeft(value, htmltok.Spaces), []byte("="))
	value = bytes.TrimLeft(value, htmltok.Spaces)
	if !closed || !found || !assigned || len(value) == 0 || value[0] != '"' && value[0] != '\'' {
		return ""
	}
	label, _, closed := bytes.Cut(value[1:], value[:1])
	if !closed || bytes.ContainsAny(label, htmltok.Spaces) {
		return ""
	}
	return metaName(string(label))
}
