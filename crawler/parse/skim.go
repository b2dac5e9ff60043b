package parse

import (
	"bytes"

	"golang.org/x/net/html"
)

// skim goes to the next start tag that may matter to a scan of which nobody asks
// for more than links, and to the end of the document when there is none. What is
// between is passed over, as Next would tell it. Nothing may be open in which tags
// mean something else: SVG, MathML, a template.
func (m *markup) skim() html.TokenType {
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
		case isLetter(c) && mayMatter(m.body[m.start+1:]):
			m.kind = m.startTag()
			return m.kind
		case isLetter(c):
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

// linkAttr is TagAttr, but passes over attributes that matter to no link.
func (m *markup) linkAttr() (key, value []byte, more bool) {
	if !m.asked {
		m.ask()
	}
	for !m.rarely && len(m.attrs) > 0 && !mayBeLinkAttr(m.body[m.attrs[0].name.from:m.attrs[0].name.to]) {
		m.attrs = m.attrs[1:]
	}
	return m.TagAttr()
}

// mayBeLinkAttr reports whether an attribute may matter, by the length of its name
// and its first letter: src, rel, href, name, content, http-equiv.
func mayBeLinkAttr(name []byte) bool {
	switch len(name) {
	case len("src"):
		return name[0]|0x20 == 's' || name[0]|0x20 == 'r'
	case len("href"):
		return name[0]|0x20 == 'h' || name[0]|0x20 == 'n'
	case len("content"):
		return name[0]|0x20 == 'c'
	case len("http-equiv"):
		return name[0]|0x20 == 'h'
	}
	return false
}

// outskimmed is that there is nothing more, but for a last "<" after so many bytes;
// -1 for none. The part begins at what may go on if the document does.
func (m *markup) outskimmed(last int) html.TokenType {
	switch {
	case last >= 0:
		m.start = m.end + last
	case m.end < len(m.body): // a text
		m.start = len(m.body)
	}
	m.kind = m.unended()
	return m.kind
}

// pass goes behind a tag.
func (m *markup) pass(name int) html.TokenType {
	if _, ok := m.tag(name, nil); !ok {
		return m.unended()
	}
	return html.StartTagToken
}

// beginnings are the first two letters of the elements that matter, the second as
// a bit for each of the alphabet: those that a scan notes, those that change what
// tags mean, and those whose text holds none.
var beginnings = func() (t ['z' + 1]uint32) {
	for _, name := range []string{
		"area", "base", "frame", "iframe", "link", "math", "meta", "noembed", "noframes", "noscript", "plaintext",
		"script", "style", "svg", "template", "textarea", "title", "xmp",
	} {
		t[name[0]] |= 1 << (name[1] - 'a')
	}
	return t
}()

// mayMatter reports whether a tag is one that may matter, by the beginning of its
// name. Such a tag has more than one letter, but for the one of links.
func mayMatter(tag []byte) bool {
	if len(tag) < 2 {
		return true
	}
	first, second := tag[0]|0x20, tag[1]
	if !isLetter(second) {
		return first == 'a'
	}
	return beginnings[first]&(1<<(second|0x20-'a')) != 0
}
