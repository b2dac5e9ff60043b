package htmltok

import "bytes"

// rawText says how the text after a start tag ends, and what it may contain (HTML,
// "parsing elements that contain only text").
type rawText string

const (
	markedUp  rawText = ""
	plainText rawText = "plaintext" // everything that follows
	script    rawText = "script"
	title     rawText = "title"
	textArea  rawText = "textarea"
)

// rawTextOf returns the rawText of the element whose tag begins with these bytes.
func rawTextOf(tag []byte) rawText {
	switch tag[0] | 0x20 {
	case 'i':
		return oneOf(tag, "iframe")
	case 'n':
		return oneOf(tag, "noembed", "noframes", "noscript")
	case 'p':
		return oneOf(tag, plainText)
	case 's':
		return oneOf(tag, script, "style")
	case 't':
		return oneOf(tag, textArea, title)
	case 'x':
		return oneOf(tag, "xmp")
	}
	return markedUp
}

func oneOf(tag []byte, names ...rawText) rawText {
	for _, name := range names {
		if begins(tag, name) {
			return name
		}
	}
	return markedUp
}

// begins reports whether a tag has this name.
func begins(tag []byte, name rawText) bool {
	return len(tag) > len(name) && ends[tag[len(name)]]&endsTagName != 0 && EqualFold(tag[:len(name)], string(name))
}

// rawText reads the text of an element that contains no markup. It returns false if the
// text is empty.
func (m *Tokenizer) rawText() bool {
	rest := m.body[m.start:]
	length := len(rest)
	switch m.raw {
	case plainText:
	case script:
		length = scriptLength(rest)
	default:
		length = rawTextLength(rest, m.raw)
	}
	m.end = m.start + length
	m.text = Extent{m.start, m.end}
	m.verbatim, m.noNULs = m.raw != textArea && m.raw != title, true
	m.raw = markedUp
	return length > 0
}

// rawTextLength returns the length of a text that ends at the end tag with this name.
func rawTextLength(rest []byte, name rawText) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(rest[at:], '<')
		if i < 0 {
			return len(rest)
		}
		if at += i; closes(rest[at:], name) {
			return at
		}
	}
}

// closes reports whether the end tag with this name begins here.
func closes(rest []byte, name rawText) bool {
	return len(rest) > 1 && rest[1] == '/' && begins(rest[2:], name)
}

// scriptState says how much of a script is hidden in a comment: "script data", "script
// data escaped" and "script data double escaped" of HTML, "tokenization".
type scriptState uint8

const (
	plainScript scriptState = iota
	inComment
	inScriptInComment
)

// scriptLength returns the length of the text of a <script>. As in html.Tokenizer, a "<"
// in a comment that does not begin a tag ends the comment.
func scriptLength(rest []byte) int {
	state, dashes := plainScript, 0
	for at := 0; at < len(rest); at++ {
		if state == plainScript {
			i := bytes.IndexByte(rest[at:], '<')
			if i < 0 {
				return len(rest)
			}
			at += i
		}
		switch c := rest[at]; {
		case c == '-':
			dashes++
			continue
		case c == '>' && dashes >= 2:
			state = plainScript
		case c == '<':
			if state != inScriptInComment && closes(rest[at:], script) {
				return at
			}
			was := state
			state, at = state.behind(rest, at)
			if was == plainScript && state == inComment {
				dashes = 2
				continue
			}
		}
		dashes = 0
	}
	return len(rest)
}

// behind returns the state after a "<" that does not end the script, and the index of the
// last byte that belongs to it.
func (s scriptState) behind(rest []byte, at int) (scriptState, int) {
	tag := rest[at+1:]
	switch {
	case s == plainScript && bytes.HasPrefix(tag, []byte("!--")):
		return inComment, at + len("!--")
	case s == plainScript:
		return plainScript, at
	case s == inScriptInComment && closes(rest[at:], script):
		return inComment, at + len("/script>")
	case s == inScriptInComment, len(tag) > 0 && tag[0] == '/':
		return s, at
	case begins(tag, script):
		return inScriptInComment, at + len("script>")
	case len(tag) > 0 && IsLetter(tag[0]):
		return s, at
	}
	return plainScript, at
}
