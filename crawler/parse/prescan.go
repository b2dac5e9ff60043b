package parse

import (
	"bytes"
	"strings"
)

// prescanned is how far into a document a meta element may declare its charset.
const prescanned = 1024

// metaCharset returns the charset that a meta element among the first bytes of
// a document declares, or "" (HTML, "prescan a byte stream to determine its
// encoding"). It reads bytes, not elements: a meta inside a script counts, as
// it does in browsers.
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
		case isTag(rest):
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

func isMeta(b []byte) bool {
	return len(b) > 5 && bytes.EqualFold(b[:5], []byte("<meta")) && (isSpace(b[5]) || b[5] == '/')
}

func isTag(b []byte) bool {
	b, ok := bytes.CutPrefix(b, []byte("<"))
	b = bytes.TrimPrefix(b, []byte("/"))
	return ok && len(b) > 0 && isLetter(b[0])
}

// prescan is a place in the first bytes of a document. Beyond their end there
// is nothing: what is cut off there does not count.
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

// skipWhile skips bytes of which ok is true, and returns them.
func (p *prescan) skipWhile(ok func(byte) bool) []byte {
	start := p.i
	for p.i < len(p.b) && ok(p.b[p.i]) {
		p.i++
	}
	return p.b[start:p.i]
}

// next is the byte at this place, 0 at the end.
func (p *prescan) next() byte {
	if p.i < len(p.b) {
		return p.b[p.i]
	}
	return 0
}

func (p *prescan) skipTag() {
	p.skipWhile(func(c byte) bool { return !isSpace(c) && c != '>' })
	for more := true; more; {
		_, _, more = p.attribute()
	}
}

// meta reads the attributes of a meta element and returns the charset that they
// declare.
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

// metaName is the charset that a label in a document means. One that can be
// read byte by byte is not UTF-16.
func metaName(label string) string {
	switch name := charsetName(label); name {
	case "utf-16le", "utf-16be":
		return "utf-8"
	case "x-user-defined":
		return "windows-1252"
	default:
		return name
	}
}

// attribute reads one attribute (HTML, "get an attribute" of the prescan). The
// value is not nil; ok is false at the end of the tag.
func (p *prescan) attribute() (name, value []byte, ok bool) {
	p.skipWhile(func(c byte) bool { return isSpace(c) || c == '/' })
	if c := p.next(); c == '>' || p.i == len(p.b) {
		return nil, nil, false
	}
	start := p.i
	p.skip(1) // an equals sign may begin a name
	p.skipWhile(func(c byte) bool { return !isSpace(c) && c != '=' && c != '/' && c != '>' })
	name = p.b[start:p.i]
	p.skipWhile(isSpace)
	if p.next() != '=' {
		return name, []byte{}, true
	}
	p.skip(1)
	p.skipWhile(isSpace)
	if quote := p.next(); quote == '"' || quote == '\'' {
		p.skip(1)
		value = p.skipWhile(func(c byte) bool { return c != quote })
		p.skip(1)
		return name, value, true
	}
	return name, p.skipWhile(func(c byte) bool { return !isSpace(c) && c != '>' }), true
}

// contentCharset finds the label in the content of a meta element (HTML,
// "extracting a character encoding from a meta element").
func contentCharset(content string) string {
	s := strings.ToLower(content)
	for {
		var found bool
		if _, s, found = strings.Cut(s, "charset"); !found {
			return ""
		}
		value, assigned := strings.CutPrefix(strings.TrimLeft(s, spaces), "=")
		if !assigned {
			continue
		}
		value = strings.TrimLeft(value, spaces)
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			label, _, closed := strings.Cut(value[1:], value[:1])
			if !closed {
				return ""
			}
			return label
		}
		if end := strings.IndexAny(value, ";"+spaces); end >= 0 {
			value = value[:end]
		}
		return value
	}
}

// xmlCharset returns the charset that an XML declaration names, or "" (HTML,
// "get an XML encoding").
func xmlCharset(body []byte) string {
	body = body[:min(len(body), prescanned)]
	if !bytes.HasPrefix(body, []byte("<?xml")) {
		return ""
	}
	declaration, _, closed := bytes.Cut(body, []byte(">"))
	_, value, found := bytes.Cut(declaration, []byte("encoding"))
	value, assigned := bytes.CutPrefix(bytes.TrimLeft(value, spaces), []byte("="))
	value = bytes.TrimLeft(value, spaces)
	if !closed || !found || !assigned || len(value) == 0 || value[0] != '"' && value[0] != '\'' {
		return ""
	}
	label, _, closed := bytes.Cut(value[1:], value[:1])
	if !closed || bytes.ContainsAny(label, spaces) {
		return ""
	}
	return metaName(string(label))
}
