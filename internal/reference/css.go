package reference

import (
	"bytes"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"iter"
	"unicode/utf8"
)

// css tokenizes a style sheet (CSS Syntax 3) as far as needed to distinguish references
// from comments, strings and parts of names.
type css struct {
	rest   []byte
	size   int // of the whole style sheet
	place  cssPlace
	parens []bool         // the open parentheses; true for those of an image-set()
	ref    []byte         // the reference of the token
	at     htmltok.Extent // where it is written, without quotes or parentheses
	room   []byte         // buffer for references with escapes
}

// cssPlace is the context of the next token.
type cssPlace uint8

const (
	cssAnywhere  cssPlace = iota
	cssImport             // after @import, where a string is a reference
	cssNamespace          // after @namespace, where nothing is a reference
)

// InStyleSheet yields the references of a style sheet: url() anywhere, @import, and the
// strings of image-set(). Each is valid until the next one.
func InStyleSheet(sheet []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, ref := range SpansInStyleSheet(sheet) {
			if !yield(ref) {
				return
			}
		}
	}
}

// SpansInStyleSheet yields references with their places in the style sheet.
func SpansInStyleSheet(sheet []byte) iter.Seq2[htmltok.Extent, []byte] {
	return func(yield func(htmltok.Extent, []byte) bool) {
		c := css{rest: sheet, size: len(sheet)}
		for len(c.rest) > 0 {
			if c.ref = nil; c.next() && !yield(c.at, c.ref) {
				return
			}
		}
	}
}

// mark notes the place of a reference that begins skip bytes after what was read.
func (c *css) mark(skip, length int) {
	from := c.size - len(c.rest) + skip
	c.at = htmltok.Extent{From: from, To: from + length}
}

// next reads one token and reports whether it is a reference.
func (c *css) next() bool {
	switch b := c.rest[0]; {
	case htmltok.IsSpace(b):
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

// rule notes the context after an at-rule.
func (c *css) rule(name []byte) {
	switch {
	case htmltok.EqualFold(name, "import"):
		c.place = cssImport
	case htmltok.EqualFold(name, "namespace"):
		c.place = cssNamespace
	default:
		c.place = cssAnywhere
	}
}

// word reads what follows a name. For a function it reads the reference, if the function
// takes one.
func (c *css) word(name []byte) bool {
	if len(c.rest) == 0 || c.rest[0] != '(' {
		return false
	}
	c.rest = c.rest[1:]
	switch {
	case htmltok.EqualFold(name, "url"), htmltok.EqualFold(name, "src"):
		return c.url() && c.place != cssNamespace
	default:
		c.open(htmltok.EqualFold(name, "image-set") || htmltok.EqualFold(name, "-webkit-image-set"))
	}
	return false
}

// open notes an open parenthesis. It ignores nesting that is deeper than in any real
// style sheet.
func (c *css) open(imageSet bool) {
	const most = 64
	if len(c.parens) < most {
		c.parens = append(c.parens, imageSet)
	}
}

func (c *css) inImageSet() bool { return len(c.parens) > 0 && c.parens[len(c.parens)-1] }

// url reads the rest of url( and reports whether it is well-formed.
func (c *css) url() bool {
	if c.place == cssImport {
		defer func() { c.place = cssAnywhere }()
	}
	c.rest = bytes.TrimLeft(c.rest, htmltok.Spaces)
	if len(c.rest) > 0 && (c.rest[0] == '"' || c.rest[0] == '\'') {
		c.ref = c.string()
		c.open(false) // modifiers may follow the string, up to the parenthesis
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
	text := bytes.TrimRight(c.rest[:end], htmltok.Spaces)
	c.mark(0, len(text))
	c.ref = c.unescape(text)
	c.rest = c.rest[min(end+1, len(c.rest)):]
	return !bad
}

// string reads a string. An unterminated string ends at the end of its line.
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

// atName reports whether a name begins here. It accepts a digit, too: a number is read
// like a name, and neither is a reference.
func (c *css) atName() bool {
	b := c.rest[0]
	return htmltok.IsLetter(b) || b == '_' || b == '-' || b >= utf8.RuneSelf || '0' <= b && b <= '9' ||
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
		case htmltok.IsLetter(b), b == '_', b == '-', b >= utf8.RuneSelf, '0' <= b && b <= '9':
			end++
			continue
		}
		break
	}
	name := c.rest[:end]
	c.rest = c.rest[end:]
	return c.unescape(name)
}

// unescape decodes the escapes in a name, a string or a URL (CSS Syntax 3, 4.3.7).
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

// escape decodes what follows a backslash: one character, or up to six hexadecimal digits
// and the white space that ends them.
func escape(s []byte) (char []byte, length int) {
	r := rune(0)
	for length < min(6, len(s)) && isHex(s[length]) {
		r = r<<4 | hexValue(s[length])
		length++
	}
	switch {
	case s[0] == '\n': // an escaped newline continues the line
		return nil, 1
	case length == 0:
		return s[:1], 1
	case r == 0 || r > utf8.MaxRune:
		r = utf8.RuneError
	}
	if length < len(s) && htmltok.IsSpace(s[length]) {
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
