package charset

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"
)

// Source is the body of a page and its charset.
type Source struct {
	Body     []byte            // without byte order mark
	Rest     io.Reader         // the rest, which is not in memory; nil for none; it can be read only once
	Charset  string            // WHATWG name, lower case
	Encoding encoding.Encoding // the encoding with that name
	Guessed  bool              // the charset is not declared: it follows from the bytes
}

var (
	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16LE = []byte("\xff\xfe")
	bomUTF16BE = []byte("\xfe\xff")
)

// NewSource determines the charset of a body. A byte order mark takes precedence over
// Content-Type, that over the document's own declaration, and that over a guess (HTML,
// "determining the character encoding"). cut says that the body continues beyond its last
// byte.
func NewSource(declared MediaType, body []byte, cut bool) Source {
	name, bom := ByteOrderMark(body)
	if name == "" {
		name = Name(declared.Charset)
	}
	if name == "" {
		name = Declared(declared, body)
	}
	if name == "" && declared.Essence != XHTML {
		name = lateCharset(body)
	}
	guessed := name == ""
	if guessed {
		name = guessCharset(declared, body, cut)
	}
	e, _ := htmlindex.Get(name) // every name comes from there
	return Source{Body: body[bom:], Charset: name, Encoding: e, Guessed: guessed}
}

// NewStyleSource determines the charset of a style sheet (CSS Syntax 3, 3.2): by its byte
// order mark, Content-Type, or @charset, in this order, or else UTF-8.
func NewStyleSource(declared MediaType, body []byte) Source {
	name, bom := ByteOrderMark(body)
	if name == "" {
		name = Name(declared.Charset)
	}
	if own, ok := bytes.CutPrefix(body, []byte(`@charset "`)); name == "" && ok {
		label, _, _ := bytes.Cut(own[:min(len(own), 128)], []byte(`"`))
		name = metaName(string(label))
	}
	if name == "" {
		name = "utf-8"
	}
	e, _ := htmlindex.Get(name)
	return Source{Body: body[bom:], Charset: name, Encoding: e}
}

// ByteOrderMark returns the charset that a body's byte order mark stands for, and the
// length of the mark.
func ByteOrderMark(body []byte) (name string, length int) {
	switch {
	case bytes.HasPrefix(body, bomUTF8):
		return "utf-8", len(bomUTF8)
	case bytes.HasPrefix(body, bomUTF16LE):
		return "utf-16le", len(bomUTF16LE)
	case bytes.HasPrefix(body, bomUTF16BE):
		return "utf-16be", len(bomUTF16BE)
	}
	return "", 0
}

// MarkOf returns the byte order mark of UTF-16, "utf-16le" or "utf-16be".
func MarkOf(charset string) []byte {
	if charset == "utf-16le" {
		return bytes.Clone(bomUTF16LE)
	}
	return bytes.Clone(bomUTF16BE)
}

// Encoding returns the encoding with a WHATWG name; nil for an unknown name.
func Encoding(name string) encoding.Encoding {
	e, _ := htmlindex.Get(name)
	return e
}

// Name returns the WHATWG name for a label, or "" for an unknown label.
func Name(label string) string {
	e, err := htmlindex.Get(label)
	if err != nil {
		return ""
	}
	name, _ := htmlindex.Name(e)
	return name
}

// Declared returns the charset that the document declares. In XHTML, the XML
// declaration takes precedence.
func Declared(declared MediaType, body []byte) string {
	first, second := metaCharset, xmlCharset
	if declared.Essence == XHTML {
		first, second = second, first
	}
	if name := first(body); name != "" {
		return name
	}
	return second(body)
}

// guessCharset returns the charset of documents that declare none: UTF-8 if their bytes
// are valid UTF-8 beyond ASCII, otherwise that in which they read like a language, or
// else windows-1252, the most common charset of old pages.
func guessCharset(declared MediaType, body []byte, cut bool) string {
	if cut {
		body = wholeRunes(body)
	}
	switch {
	case IsASCII(body) && declared.Essence != XHTML:
		return "windows-1252"
	case utf8.Valid(body):
		return "utf-8"
	}
	if name := guessLegacy(body); name != "" {
		return name
	}
	return "windows-1252"
}

// wholeRunes drops a rune that is cut off at the end of b.
func wholeRunes(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return b[:i]
			}
			break
		}
	}
	return b
}

// isUTF8 reports whether the body can be read without decoding.
func (src Source) isUTF8() bool {
	switch src.Charset {
	case "utf-8":
		return utf8.Valid(src.Body)
	case "utf-16le", "utf-16be", "iso-2022-jp", "replacement":
		return false
	}
	return IsASCII(src.Body) // the other charsets are supersets of ASCII
}

// Reader returns a reader of the source as valid UTF-8. It decodes while reading, and
// replaces what cannot be decoded by U+FFFD.
func (src Source) Reader() io.Reader {
	r := bytes.NewReader(src.Body)
	switch {
	case src.Rest != nil:
		return transform.NewReader(io.MultiReader(r, src.Rest), src.Encoding.NewDecoder())
	case src.isUTF8():
		return r
	}
	return transform.NewReader(r, src.Encoding.NewDecoder())
}

// Text returns the same as Reader for a source in memory. The result must not be changed,
// because it may be the body itself.
func (src Source) Text() ([]byte, error) {
	if src.isUTF8() {
		return src.Body, nil
	}
	return src.Encoding.NewDecoder().Bytes(src.Body)
}

// Beginning returns the part of the source that is in memory.
func (src Source) Beginning() Source {
	src.Rest = nil
	return src
}

// IsASCII reports whether b is ASCII.
func IsASCII(b []byte) bool {
	const high = 0x8080808080808080
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&high != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
