package parse

import (
	"bytes"
	"iter"
	"unicode/utf8"
)

// css reads a style sheet token by token (CSS Syntax 3), as far as it takes to
// tell a reference from a comment, a string, or a part of a name.
type css struct {
	rest   []byte
	size   int // of the whole
	place  cssPlace
	parens []bool // the open parentheses; true: those of an image-set()
	ref    []byte // what the token refers to
	at     extent // where that is written, between the quotes or parentheses
	room   []byte // for references with escapes in them
}

// cssPlace is what the next token belongs to.
type cssPlace uint8

const (
	cssAnywhere  cssPlace = iota
	cssImport             // behind @import: a string is a reference
	cssNamespace          // behind @namespace: nothing is
)

// cssReferences yields the references of a style sheet: url() wherever it may
// stand, @import, and the strings of image-set(). Each is void when the next
// comes.
func cssReferences(sheet []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, ref := range cssSpans(sheet) {
			if !yield(ref) {
				return
			}
		}
	}
}

// cssSpans yields them with the places where they are written.
func cssSpans(sheet []byte) iter.Seq2[extent, []byte] {
	return func(yield func(extent, []byte) bool) {
		c := css{rest: sheet, size: len(sheet)}
		for len(c.rest) > 0 {
			if c.ref = nil; c.next() && !yield(c.at, c.ref) {
				return
			}
		}
	}
}

// mark notes where the reference is that begins so far behind what was read.
func (c *css) mark(skip, length int) {
	from := c.size - len(c.rest) + skip
	c.at = extent{from, from + length}
}

// next reads one token and reports whether it is a reference.
func (c *css) next() bool {
	switch b := c.rest[0]; {
	case isSpace(b):
		c.rest = c.rest[1:]
		return false
	case bytes.HasPrefix(c.rest, []byte("/*")):
		_, c.rest, _ = bytes.Cut(c.rest[2:], []byte("*/"))
		return false
	case b == '"' || b == '\'':
		c.ref = c.string()
		imported := c.place == cssImport
		if imported {
			c.place = cssAnywhere
		}
		return imported || c.place == cssAnywhere && c.inImageSet()
	case b == '@':
		c.rest = c.rest[1:]
		c.rule(c.name())
		return false
	case c.atName():
		return c.word(c.name())
	case b == '(':
		c.open(false)
	case b == ')':
		c.parens = c.parens[:max(0, len(c.parens)-1)]
	case b == ';' || b == '{' || b == '}':
		c.place, c.parens = cssAnywhere, c.parens[:0]
	}
	c.rest = c.rest[1:]
	return false
}

// rule notes what an at-rule takes.
func (c *css) rule(name []byte) {
	switch {
	case equalFold(name, "import"):
		c.place = cssImport
	case equalFold(name, "namespace"):
		c.place = cssNamespace
	default:
		c.place = cssAnywhere
	}
}

// word reads what follows a name: of a function, its reference.
func (c *css) word(name []byte) bool {
	if len(c.rest) == 0 || c.rest[0] != '(' {
		return false
	}
	c.rest = c.rest[1:]
	switch {
	case equalFold(name, "url"), equalFold(name, "src"):
		return c.url() && c.place != cssNamespace
	default:
		c.open(equalFold(name, "image-set") || equalFold(name, "-webkit-image-set"))
	}
	return false
}

// open notes a parenthesis. More than any style sheet nests are not told apart.
func (c *css) open(imageSet bool) {
	const most = 64
	if len(c.parens) < most {
		c.parens = append(c.parens, imageSet)
	}
}

func (c *css) inImageSet() bool { return len(c.parens) > 0 && c.parens[len(c.parens)-1] }

// url reads the rest of url( and reports whether it is whole.
func (c *css) url() bool {
	if c.place == cssImport {
		defer func() { c.place = cssAnywhere }()
	}
	c.rest = bytes.TrimLeft(c.rest, spaces)
	if len(c.rest) > 0 && (c.rest[0] == '"' || c.rest[0] == '\'') {
		c.ref = c.string()
		c.open(false) // what stands behind the string ends with a parenthesis
		return true
	}
	end, bad := 0, false
	for end < len(c.rest) && c.rest[end] != ')' {
		switch c.rest[end] {
		case '\\':
			end++
		case '"', '\'', '(':
			bad = true // CSS Syntax 3, 4.3.6
		}
		end++
	}
	end = min(end, len(c.rest))
	text := bytes.TrimRight(c.rest[:end], spaces)
	c.mark(0, len(text))
	c.ref = c.unescape(text)
	c.rest = c.rest[min(end+1, len(c.rest)):]
	return !bad
}

// string reads a string. One that breaks off at the end of its line ends there.
func (c *css) string() []byte {
	quote := c.rest[0]
	end := 1
	for end < len(c.rest) && c.rest[end] != quote && c.rest[end] != '\n' {
		if c.rest[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(c.rest))
	text := c.rest[1:end]
	c.mark(1, len(text))
	c.rest = c.rest[min(end+1, len(c.rest)):]
	return c.unescape(text)
}

// atName reports whether a name begins here. A digit begins a number, which is
// read as a name too: it refers to nothing either way.
func (c *css) atName() bool {
	b := c.rest[0]
	return isLetter(b) || b == '_' || b == '-' || b >= utf8.RuneSelf || '0' <= b && b <= '9' ||
		b == '\\' && len(c.rest) > 1 && c.rest[1] != '\n'
}

func (c *css) name() []byte {
	end := 0
	for end < len(c.rest) {
		b := c.rest[end]
		switch {
		case b == '\\' && end+1 < len(c.rest):
			_, length := escape(c.rest[end+1:])
			end += 1 + length
			continue
		case isLetter(b), b == '_', b == '-', b >= utf8.RuneSelf, '0' <= b && b <= '9':
			end++
			continue
		}
		break
	}
	name := c.rest[:end]
	c.rest = c.rest[end:]
	return c.unescape(name)
}

// unescape reads the escapes of a name, a string or a URL (CSS Syntax 3, 4.3.7).
func (c *css) unescape(s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 {
		return s
	}
	b := c.room[:0]
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		char, length := escape(s[i+1:])
		b = append(b, char...)
		i += length
	}
	c.room = b
	return b
}

// escape reads what follows a backslash: one character, or up to six
// hexadecimal digits, with the white space that ends them.
func escape(s []byte) (char []byte, length int) {
	r := rune(0)
	for length < min(6, len(s)) && isHex(s[length]) {
		r = r<<4 | hexValue(s[length])
		length++
	}
	switch {
	case s[0] == '\n': // a line that goes on
		return nil, 1
	case length == 0:
		return s[:1], 1
	case r == 0 || r > utf8.MaxRune:
		r = utf8.RuneError
	}
	if length < len(s) && isSpace(s[length]) {
		length++
	}
	return utf8.AppendRune(nil, r), length
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'f'
}

func hexValue(b byte) rune {
	if b <= '9' {
		return rune(b - '0')
	}
	return rune(b|0x20-'a') + 10
}
