package htmltok

import (
	"bytes"

	"golang.org/x/net/html"
)

// Skim advances to the next start tag that may matter if only links are wanted, or to the
// end of the document. It skips the tokens between, which it delimits exactly as Next
// does. No element may be open in which tags have another meaning: SVG, MathML, a
// template.
func (m *Tokenizer) Skim() html.TokenType {
	if m.start = m.end; m.raw != markedUp {
		m.rawText()
	}
	for {
		next := bytes.IndexByte(m.body[m.end:], '<')
		if next < 0 || m.end+next+1 == len(m.body) {
			return m.outskimmed(next)
		}
		m.start = m.end + next
		switch c := m.body[m.start+1]; {
		case IsLetter(c) && mayMatter(m.body[m.start+1:]):
			m.kind = m.startTag()
			return m.kind
		case IsLetter(c):
			m.kind = m.pass(m.start + len("<"))
		case c == '/':
			m.kind = m.endTag()
		case c == '!':
			m.kind = m.declaration()
		case c == '?':
			m.kind = m.comment(m.start + 1)
		default:
			m.kind, m.end = html.TextToken, m.start+1
		}
		if m.kind == html.ErrorToken {
			return m.kind
		}
	}
}

// LinkAttr is like TagAttr, but skips attributes that cannot matter to links.
func (m *Tokenizer) LinkAttr() (key, value []byte, more bool) {
	if !m.asked {
		m.ask()
	}
	for !m.rarely && len(m.attrs) > 0 && !mayBeLinkAttr(m.body[m.attrs[0].name.From:m.attrs[0].name.To]) {
		m.attrs = m.attrs[1:]
	}
	return m.TagAttr()
}

// mayBeLinkAttr reports whether an attribute may matter, by the length of its name and
// its first letter: src, rel, href, name, type, content, http-equiv, xlink:href.
func mayBeLinkAttr(name []byte) bool {
	switch len(name) {
	case len("src"):
		return name[0]|0x20 == 's' || name[0]|0x20 == 'r'
	case len("href"):
		return name[0]|0x20 == 'h' || name[0]|0x20 == 'n' || name[0]|0x20 == 't'
	case len("content"):
		return name[0]|0x20 == 'c'
	case len("http-equiv"): // and xlink:href
		return name[0]|0x20 == 'h' || name[0]|0x20 == 'x'
	}
	return false
}

// outskimmed ends the document. last is the offset of a final "<", or -1. The token
// begins where the document may continue if more of it is read.
func (m *Tokenizer) outskimmed(last int) html.TokenType {
	switch {
	case last >= 0:
		m.start = m.end + last
	case m.end < len(m.body): // a text
		m.start = len(m.body)
	}
	m.kind = m.unended()
	return m.kind
}

// pass skips a tag.
func (m *Tokenizer) pass(name int) html.TokenType {
	if _, ok := m.tag(name, nil); !ok {
		return m.unended()
	}
	return html.StartTagToken
}

// beginnings has the first two letters of the elements that matter, with a bit for each
// second letter: elements that a scan records, those that change the meaning of tags, and
// those that contain only text.
var beginnings = func() (t ['z' + 1]uint32) {
	for _, name := range []string{
		"area", "base", "frame", "iframe", "link", "math", "meta", "noembed", "noframes", "noscript", "plaintext",
		"script", "style", "svg", "template", "textarea", "title", "xmp",
	} {
		t[name[0]] |= 1 << (name[1] - 'a')
	}
	return t
}()

// mayMatter reports whether a tag may matter, by the beginning of its name. All such
// names have more than one letter, except for "a".
func mayMatter(tag []byte) bool {
	if len(tag) < 2 {
		return true
	}
	first, second := tag[0]|0x20, tag[1]
	if !IsLetter(second) {
		return first == 'a'
	}
	return beginnings[first]&(1<<(second|0x20-'a')) != 0
}
