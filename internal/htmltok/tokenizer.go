package htmltok

import (
	"bytes"

	"golang.org/x/net/html"
)

// Tokens yields the tokens of a document, like html.Tokenizer. Returned slices are valid
// until the next token.
type Tokens interface {
	Next() html.TokenType
	Raw() []byte
	Text() []byte // once for each token
	TagAttr() (key, value []byte, more bool)
	AllowCDATA(allow bool)
	NextIsNotRawText()
	Err() error
}

// Skimmer can skip tokens that cannot contain links.
type Skimmer interface {
	Skim() html.TokenType
	LinkAttr() (key, value []byte, more bool)
}

// Extent is a part of a text, from its first byte to the one after its last.
type Extent struct{ From, To int }

// Tokenizer tokenizes a document in memory exactly like html.Tokenizer, byte for byte
// (FuzzMarkup), but several times as fast: it searches for the next "<", quote or ">"
// instead of inspecting each byte, and copies only what must be decoded. It leaves tags
// with many attributes to an html.Tokenizer.
//
// It is used by one goroutine and never writes to the document.
type Tokenizer struct {
	body       []byte
	start, end int // of the token
	kind       html.TokenType

	text     Extent  // of a text, without the marks of a CDATA section
	verbatim bool    // the text has no character references
	noNULs   bool    // the text's NULs are replaced
	cdata    bool    // <![CDATA[ begins a text
	raw      rawText // what ends the next text

	list   [maxAttrs]attr  // attributes of the tag
	attrs  []attr          // the part of list that has not been returned yet
	asked  bool            // TagAttr was called: attrs has each name once
	lower  [32]byte        // buffer for a name
	plain  oneTag          // the tag for the tokenizer
	rare   *html.Tokenizer // reads plain; nil until needed
	rarely bool            // rare returns the attributes of this tag
}

// maxAttrs is how many attributes of a tag a Tokenizer handles itself. Each is compared with
// all before it.
const maxAttrs = 16

// attr is the place of an attribute: its name is body[name.from:name.to]; value likewise.
type attr struct{ name, value Extent }

// oneTag is a reader of one tag.
type oneTag struct{ rest []byte }

func (o *oneTag) Read(p []byte) (int, error) {
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

// Reset begins another document.
func (m *Tokenizer) Reset(body []byte) {
	*m = Tokenizer{body: body, rare: m.rare}
}

// Next advances to the next token.
func (m *Tokenizer) Next() html.TokenType {
	m.start = m.end
	if m.raw != markedUp && m.rawText() {
		m.kind = html.TextToken
	} else {
		m.kind = m.next()
	}
	return m.kind
}

func (m *Tokenizer) next() html.TokenType {
	m.verbatim, m.noNULs = false, false
	for at := m.start; ; at++ {
		next := bytes.IndexByte(m.body[at:], '<')
		if at += next; next < 0 || at+1 == len(m.body) {
			return m.last()
		}
		switch c := m.body[at+1]; {
		case IsLetter(c):
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

// until ends a text at the given index.
func (m *Tokenizer) until(at int) html.TokenType {
	m.end, m.text = at, Extent{m.start, at}
	return html.TextToken
}

// last returns the text at the end of the document, if there is any.
func (m *Tokenizer) last() html.TokenType {
	if m.start == len(m.body) {
		m.end = m.start
		return html.ErrorToken
	}
	return m.until(len(m.body))
}

// unended ends the document at a tag without an end, which is not a token.
func (m *Tokenizer) unended() html.TokenType {
	m.end = len(m.body)
	return html.ErrorToken
}

// comment ends at the next ">".
func (m *Tokenizer) comment(from int) html.TokenType {
	m.end = len(m.body)
	if i := bytes.IndexByte(m.body[from:], '>'); i >= 0 {
		m.end = from + i + 1
	}
	return html.CommentToken
}

// declaration reads what begins with "<!".
func (m *Tokenizer) declaration() html.TokenType {
	from := m.start + len("<!")
	switch rest := m.body[from:]; {
	case bytes.HasPrefix(rest, []byte("--")):
		m.end = m.start + len("<!--") + commentLength(rest[len("--"):])
		return html.CommentToken
	case len(rest) >= len("doctype") && EqualFold(rest[:len("doctype")], "doctype"):
		m.comment(from + len("doctype"))
		return html.DoctypeToken
	case m.cdata && bytes.HasPrefix(rest, []byte("[CDATA[")):
		return m.section(from + len("[CDATA["))
	}
	return m.comment(from)
}

// section reads a CDATA section.
func (m *Tokenizer) section(from int) html.TokenType {
	m.end = len(m.body)
	m.text = Extent{from, m.end}
	if i := bytes.Index(m.body[from:], []byte("]]>")); i >= 0 {
		m.text.To = from + i
		m.end = m.text.To + len("]]>")
	}
	m.noNULs = true
	return html.TextToken
}

// commentLength returns the length of a comment after its "<!--": up to "-->" or "--!>",
// or to a ">" that only dashes precede.
func commentLength(rest []byte) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(rest[at:], '>')
		if i < 0 {
			return len(rest)
		}
		at += i
		if b := rest[:at]; bytes.HasSuffix(b, []byte("--")) || bytes.HasSuffix(b, []byte("--!")) || at == 0 ||
			at == 1 && b[0] == '-' {
			return at + 1
		}
	}
}

func (m *Tokenizer) endTag() html.TokenType {
	from := m.start + len("</")
	switch {
	case from == len(m.body): // a text
		return m.until(from)
	case !IsLetter(m.body[from]):
		return m.comment(from)
	}
	if _, ok := m.tag(from, nil); !ok {
		return m.unended()
	}
	return html.EndTagToken
}

func (m *Tokenizer) startTag() html.TokenType {
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
	case len(all) == maxAttrs:
		return m.leave()
	case m.body[slash] != '/':
		return html.StartTagToken
	case last < 0 || all[last].value.To != slash+1 || m.repeats(last):
		return html.SelfClosingTagToken
	}
	return html.StartTagToken // the slash belongs to a value
}

// ends has flags for the bytes that end the name of a tag, the name of an attribute, and
// an unquoted value.
var ends = func() (t [256]uint8) {
	for i := range len(Spaces) {
		t[Spaces[i]] = endsTagName | endsAttrName | endsValue
	}
	t['/'], t['>'], t['='] = endsTagName|endsAttrName, endsTagName|endsAttrName|endsValue, endsAttrName
	return t
}()

const (
	endsTagName = 1 << iota
	endsAttrName
	endsValue
)

// tag reads a tag, beginning with its name, and appends its attributes to list up to the
// capacity of list. ok is false if the document ends within the tag.
func (m *Tokenizer) tag(at int, list []attr) ([]attr, bool) {
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
		a := attr{name: Extent{name, at}}
		if a.value, at = m.value(at); at == len(m.body) {
			return nil, false
		}
		if a.name.To > name && len(list) < cap(list) {
			list = append(list, a)
		}
	}
}

// value reads what follows the name of an attribute, up to the end of its value.
func (m *Tokenizer) value(at int) (value Extent, end int) {
	value = Extent{at, at}
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
		value = Extent{at, at + i}
		at = value.To + 1
	default:
		value.From = at
		at = m.skip(at+1, endsValue)
		value.To = at
	}
	return value, at
}

func (m *Tokenizer) skip(at int, end uint8) int {
	for at < len(m.body) && ends[m.body[at]]&end == 0 {
		at++
	}
	return at
}

func (m *Tokenizer) skipSpaces(at int) int {
	for at < len(m.body) && IsSpace(m.body[at]) {
		at++
	}
	return at
}

// Raw returns the token as it is written.
func (m *Tokenizer) Raw() []byte { return m.body[m.start:m.end] }

// Err returns nil: reading from memory cannot fail.
func (m *Tokenizer) Err() error { return nil }

// AllowCDATA sets whether <![CDATA[ begins a text.
func (m *Tokenizer) AllowCDATA(allow bool) { m.cdata = allow }

// NextIsNotRawText treats what follows as markup, whatever the tag was.
func (m *Tokenizer) NextIsNotRawText() { m.raw = markedUp }

// Text returns the decoded text, on the first call for each token.
func (m *Tokenizer) Text() []byte {
	if m.kind != html.TextToken {
		return nil
	}
	text := newlines(m.body[m.text.From:m.text.To])
	m.text.From = m.text.To
	if m.noNULs {
		text = withoutNULs(text)
	}
	if !m.verbatim && bytes.IndexByte(text, '&') >= 0 {
		text = []byte(html.UnescapeString(string(text)))
	}
	return text
}

// TagAttr returns the next attribute of a start tag, with its name in lower case and its
// value decoded, and whether there are more.
func (m *Tokenizer) TagAttr() (key, value []byte, more bool) {
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
	return m.lowered(m.body[a.name.From:a.name.To]), DecodeValue(m.body[a.value.From:a.value.To]), len(m.attrs) > 0
}

// ask prepares the attributes: of several with the same name, the first counts.
func (m *Tokenizer) ask() {
	m.asked = true
	once := m.attrs[:0]
	for i, a := range m.attrs {
		if !m.repeats(i) {
			once = append(once, a)
		}
	}
	m.attrs = once
}

// repeats reports whether an attribute has the same name as an earlier one.
func (m *Tokenizer) repeats(i int) bool {
	name := m.list[i].name
	for _, a := range m.list[:i] {
		if a.name.To-a.name.From == name.To-name.From &&
			sameFold(m.body[a.name.From:a.name.To], m.body[name.From:name.To]) {
			return true
		}
	}
	return false
}

// leave leaves the tag to a tokenizer.
func (m *Tokenizer) leave() html.TokenType {
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
func (m *Tokenizer) lowered(name []byte) []byte {
	for _, c := range name {
		if isUpper(c) || c == 0 {
			return m.rewritten(name)
		}
	}
	return name
}

func (m *Tokenizer) rewritten(name []byte) []byte {
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

// sameFold reports whether two names of equal length differ only in the case of ASCII
// letters.
func sameFold(a, b []byte) bool {
	for i := range a {
		if a[i] != b[i] && (!IsLetter(a[i]) || a[i]|0x20 != b[i]|0x20) {
			return false
		}
	}
	return true
}
