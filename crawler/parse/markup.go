package parse

import (
	"bytes"

	"golang.org/x/net/html"
)

// tokens are the parts of a document, one after another, as html.Tokenizer tells
// them. All that is returned is void at the next token.
type tokens interface {
	Next() html.TokenType
	Raw() []byte
	Text() []byte // once for each token
	TagAttr() (key, value []byte, more bool)
	AllowCDATA(allow bool)
	NextIsNotRawText()
	Err() error
}

// skimmer are tokens of which those can be passed over that matter to no link.
type skimmer interface {
	skim() html.TokenType
	linkAttr() (key, value []byte, more bool)
}

// markup tells the parts of a document that is in memory as html.Tokenizer does,
// byte for byte (FuzzMarkup), at a multiple of its speed: it looks for the next
// "<", quote or ">" instead of at each byte, and copies what has to be decoded
// alone. Tags with many attributes it leaves to a tokenizer.
//
// It is used by one goroutine, and never writes to the document.
type markup struct {
	body       []byte
	start, end int // of the token
	kind       html.TokenType

	text     extent  // of a text, within what marks it as one
	verbatim bool    // the text has no character references
	noNULs   bool    // nor NULs, which are replaced
	cdata    bool    // <![CDATA[ is text
	raw      rawText // how far the next text goes

	list   [mostAttrs]attr // attributes of the tag
	attrs  []attr          // of list, those that have not been asked for
	asked  bool            // the first was: attrs has each name once
	lower  [32]byte        // room for a name
	plain  oneTag          // the tag that is left to a tokenizer
	rare   *html.Tokenizer // which reads plain; nil until it is needed
	rarely bool            // the attributes of this tag are told by it
}

// mostAttrs is how many attributes of a tag markup tells by itself. Each is compared
// with all before.
const mostAttrs = 16

// attr is where an attribute is: body[name.from:name.to], and its value.
type attr struct{ name, value extent }

// oneTag is a reader of a tag at a time.
type oneTag struct{ rest []byte }

func (o *oneTag) Read(p []byte) (int, error) {
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

// reset begins another document.
func (m *markup) reset(body []byte) {
	*m = markup{body: body, rare: m.rare}
}

// Next goes to the next part.
func (m *markup) Next() html.TokenType {
	m.start = m.end
	if m.raw != markedUp && m.rawText() {
		m.kind = html.TextToken
	} else {
		m.kind = m.next()
	}
	return m.kind
}

func (m *markup) next() html.TokenType {
	m.verbatim, m.noNULs = false, false
	for at := m.start; ; at++ {
		next := bytes.IndexByte(m.body[at:], '<')
		if at += next; next < 0 || at+1 == len(m.body) {
			return m.last()
		}
		switch c := m.body[at+1]; {
		case isLetter(c):
			if at > m.start {
				return m.until(at)
			}
			return m.startTag()
		case c == '/' && at > m.start, (c == '!' || c == '?') && at > m.start:
			return m.until(at)
		case c == '/':
			return m.endTag()
		case c == '!':
			return m.declaration()
		case c == '?':
			return m.comment(at + 1)
		}
	}
}

// until ends a text before what begins there.
func (m *markup) until(at int) html.TokenType {
	m.end, m.text = at, extent{m.start, at}
	return html.TextToken
}

// last is the text at the end of the document, if there is any.
func (m *markup) last() html.TokenType {
	if m.start == len(m.body) {
		m.end = m.start
		return html.ErrorToken
	}
	return m.until(len(m.body))
}

// unended is what has no end in the document: no part of it.
func (m *markup) unended() html.TokenType {
	m.end = len(m.body)
	return html.ErrorToken
}

// comment goes behind the next ">".
func (m *markup) comment(from int) html.TokenType {
	m.end = len(m.body)
	if i := bytes.IndexByte(m.body[from:], '>'); i >= 0 {
		m.end = from + i + 1
	}
	return html.CommentToken
}

// declaration reads what begins with "<!".
func (m *markup) declaration() html.TokenType {
	from := m.start + len("<!")
	switch rest := m.body[from:]; {
	case bytes.HasPrefix(rest, []byte("--")):
		m.end = m.start + len("<!--") + commentLength(rest[len("--"):])
		return html.CommentToken
	case len(rest) >= len("doctype") && equalFold(rest[:len("doctype")], "doctype"):
		m.comment(from + len("doctype"))
		return html.DoctypeToken
	case m.cdata && bytes.HasPrefix(rest, []byte("[CDATA[")):
		return m.section(from + len("[CDATA["))
	}
	return m.comment(from)
}

// section reads a CDATA section.
func (m *markup) section(from int) html.TokenType {
	m.end = len(m.body)
	m.text = extent{from, m.end}
	if i := bytes.Index(m.body[from:], []byte("]]>")); i >= 0 {
		m.text.to = from + i
		m.end = m.text.to + len("]]>")
	}
	m.noNULs = true
	return html.TextToken
}

// commentLength is how far a comment goes behind its "<!--": to "-->" or "--!>",
// or to a ">" before which there are only dashes.
func commentLength(rest []byte) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(rest[at:], '>')
		if i < 0 {
			return len(rest)
		}
		at += i
		if b := rest[:at]; bytes.HasSuffix(b, []byte("--")) || bytes.HasSuffix(b, []byte("--!")) || at == 0 || at == 1 && b[0] == '-' {
			return at + 1
		}
	}
}

func (m *markup) endTag() html.TokenType {
	from := m.start + len("</")
	switch {
	case from == len(m.body): // it is text
		return m.until(from)
	case !isLetter(m.body[from]):
		return m.comment(from)
	}
	if _, ok := m.tag(from, nil); !ok {
		return m.unended()
	}
	return html.EndTagToken
}

func (m *markup) startTag() html.TokenType {
	from := m.start + len("<")
	m.asked, m.rarely = false, false
	all, ok := m.tag(from, m.list[:0])
	if !ok {
		return m.unended()
	}
	m.attrs = all
	m.attrs, m.raw = all, rawTextOf(m.body[from:m.end])
	slash := m.end - len("/>")
	switch last := len(all) - 1; {
	case len(all) == mostAttrs:
		return m.leave()
	case m.body[slash] != '/':
		return html.StartTagToken
	case last < 0 || all[last].value.to != slash+1 || m.repeats(last):
		return html.SelfClosingTagToken
	}
	return html.StartTagToken // the slash ends a value
}

// ends are the bytes that end the name of a tag, that of an attribute, and a value
// without quotes.
var ends = func() (t [256]uint8) {
	for i := range len(spaces) {
		t[spaces[i]] = endsTagName | endsAttrName | endsValue
	}
	t['/'], t['>'], t['='] = endsTagName|endsAttrName, endsTagName|endsAttrName|endsValue, endsAttrName
	return t
}()

const (
	endsTagName = 1 << iota
	endsAttrName
	endsValue
)

// tag reads a tag from its name on, and notes the attributes behind those in list,
// as far as there is room. It reports false when the document ends in it.
func (m *markup) tag(at int, list []attr) ([]attr, bool) {
	at = m.skip(at, endsTagName)
	for {
		if at = m.skipSpaces(at); at == len(m.body) {
			return nil, false
		}
		if m.body[at] == '>' {
			m.end = at + 1
			return list, true
		}
		name := at
		if m.body[at] == '=' {
			at++
		}
		at = m.skip(at, endsAttrName)
		a := attr{name: extent{name, at}}
		if a.value, at = m.value(at); at == len(m.body) {
			return nil, false
		}
		if a.name.to > name && len(list) < cap(list) {
			list = append(list, a)
		}
	}
}

// value reads what follows the name of an attribute, to behind its value.
func (m *markup) value(at int) (value extent, end int) {
	value = extent{at, at}
	if at = m.skipSpaces(at); at == len(m.body) {
		return value, at
	}
	switch m.body[at] {
	case '/':
		return value, at + 1
	case '=':
	default:
		return value, at
	}
	if at = m.skipSpaces(at + 1); at == len(m.body) {
		return value, at
	}
	switch c := m.body[at]; c {
	case '>':
	case '"', '\'':
		at++
		i := bytes.IndexByte(m.body[at:], c)
		if i < 0 {
			return value, len(m.body)
		}
		value = extent{at, at + i}
		at = value.to + 1
	default:
		value.from = at
		at = m.skip(at+1, endsValue)
		value.to = at
	}
	return value, at
}

func (m *markup) skip(at int, end uint8) int {
	for at < len(m.body) && ends[m.body[at]]&end == 0 {
		at++
	}
	return at
}

func (m *markup) skipSpaces(at int) int {
	for at < len(m.body) && isSpace(m.body[at]) {
		at++
	}
	return at
}

// Raw returns the part as it is written.
func (m *markup) Raw() []byte { return m.body[m.start:m.end] }

// Err returns nil: a document in memory ends well.
func (m *markup) Err() error { return nil }

// AllowCDATA says whether <![CDATA[ begins a text.
func (m *markup) AllowCDATA(allow bool) { m.cdata = allow }

// NextIsNotRawText takes what follows for markup whatever the tag was.
func (m *markup) NextIsNotRawText() { m.raw = markedUp }

// Text returns a text, decoded, when it is first asked for it.
func (m *markup) Text() []byte {
	if m.kind != html.TextToken {
		return nil
	}
	text := newlines(m.body[m.text.from:m.text.to])
	m.text.from = m.text.to
	if m.noNULs {
		text = withoutNULs(text)
	}
	if !m.verbatim && bytes.IndexByte(text, '&') >= 0 {
		text = []byte(html.UnescapeString(string(text)))
	}
	return text
}

// TagAttr returns the next attribute of a start tag, its name in lower case and its
// value decoded, and whether there are more.
func (m *markup) TagAttr() (key, value []byte, more bool) {
	if m.kind != html.StartTagToken && m.kind != html.SelfClosingTagToken {
		return nil, nil, false
	}
	if !m.asked {
		m.ask()
	}
	if m.rarely {
		return m.rare.TagAttr()
	}
	if len(m.attrs) == 0 {
		return nil, nil, false
	}
	a := m.attrs[0]
	m.attrs = m.attrs[1:]
	return m.lowered(m.body[a.name.from:a.name.to]), decodeValue(m.body[a.value.from:a.value.to]), len(m.attrs) > 0
}

// ask readies the attributes: of several of one name the first counts.
func (m *markup) ask() {
	m.asked = true
	once := m.attrs[:0]
	for i, a := range m.attrs {
		if !m.repeats(i) {
			once = append(once, a)
		}
	}
	m.attrs = once
}

// repeats reports whether an attribute has the name of one before it.
func (m *markup) repeats(i int) bool {
	name := m.list[i].name
	for _, a := range m.list[:i] {
		if a.name.to-a.name.from == name.to-name.from && sameFold(m.body[a.name.from:a.name.to], m.body[name.from:name.to]) {
			return true
		}
	}
	return false
}

// leave leaves the tag to a tokenizer.
func (m *markup) leave() html.TokenType {
	if m.rare == nil {
		m.rare = html.NewTokenizer(&m.plain)
	}
	m.asked, m.rarely = true, true
	m.plain.rest = m.Raw()
	kind := m.rare.Next()
	m.rare.NextIsNotRawText()
	return kind
}

// lowered returns a name in lower case, without NULs.
func (m *markup) lowered(name []byte) []byte {
	for _, c := range name {
		if isUpper(c) || c == 0 {
			return m.rewritten(name)
		}
	}
	return name
}

func (m *markup) rewritten(name []byte) []byte {
	lower := m.lower[:0]
	for _, c := range name {
		if isUpper(c) {
			c |= 0x20
		}
		lower = append(lower, c)
	}
	return withoutNULs(lower)
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// sameFold reports whether two names of one length differ at most in the case of
// ASCII letters.
func sameFold(a, b []byte) bool {
	for i := range a {
		if a[i] != b[i] && (!isLetter(a[i]) || a[i]|0x20 != b[i]|0x20) {
			return false
		}
	}
	return true
}
