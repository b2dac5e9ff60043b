package parse

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"
)

// source is the body of a page and the charset that it is written in.
type source struct {
	body     []byte            // without byte order mark
	rest     io.Reader         // what follows, and is not in memory; nil for nothing; it can be read once
	charset  string            // WHATWG name, lower case
	encoding encoding.Encoding // what the name stands for
}

var (
	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16LE = []byte("\xff\xfe")
	bomUTF16BE = []byte("\xfe\xff")
)

// newSource decides the charset of a body: byte order mark before
// Content-Type before what the document says of itself before a guess (HTML,
// "determining the character encoding"). cut says that the body goes on beyond
// its last byte.
func newSource(declared mediaType, body []byte, cut bool) source {
	name, bom := byteOrderMark(body)
	if name == "" {
		name = charsetName(declared.charset)
	}
	if name == "" {
		name = ownCharset(declared, body)
	}
	if name == "" {
		name = guessCharset(declared, body, cut)
	}
	e, _ := htmlindex.Get(name) // every name comes from there
	return source{body: body[bom:], charset: name, encoding: e}
}

// newStyleSource decides the charset of a style sheet (CSS Syntax 3, 3.2): byte
// order mark before Content-Type before its @charset; else UTF-8.
func newStyleSource(declared mediaType, body []byte) source {
	name, bom := byteOrderMark(body)
	if name == "" {
		name = charsetName(declared.charset)
	}
	if own, ok := bytes.CutPrefix(body, []byte(`@charset "`)); name == "" && ok {
		label, _, _ := bytes.Cut(own[:min(len(own), 128)], []byte(`"`))
		name = metaName(string(label))
	}
	if name == "" {
		name = "utf-8"
	}
	e, _ := htmlindex.Get(name)
	return source{body: body[bom:], charset: name, encoding: e}
}

// byteOrderMark names the charset that a body's first bytes give away, and how
// many they are.
func byteOrderMark(body []byte) (name string, length int) {
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

// charsetName returns the WHATWG name for a label, or "" for none that the
// standard knows.
func charsetName(label string) string {
	e, err := htmlindex.Get(label)
	if err != nil {
		return ""
	}
	name, _ := htmlindex.Name(e)
	return name
}

// ownCharset is what the document declares. XHTML is XML first.
func ownCharset(declared mediaType, body []byte) string {
	first, second := metaCharset, xmlCharset
	if declared.essence == xhtml {
		first, second = second, first
	}
	if name := first(body); name != "" {
		return name
	}
	return second(body)
}

// guessCharset is for documents that declare nothing: UTF-8 when their bytes
// say so, else what the web of old was written in. Plain ASCII says nothing.
func guessCharset(declared mediaType, body []byte, cut bool) string {
	if cut {
		body = wholeRunes(body)
	}
	if isASCII(body) && declared.essence != xhtml || !utf8.Valid(body) {
		return "windows-1252"
	}
	return "utf-8"
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
func (src source) isUTF8() bool {
	switch src.charset {
	case "utf-8":
		return utf8.Valid(src.body)
	case "utf-16le", "utf-16be", "iso-2022-jp", "replacement":
		return false
	}
	return isASCII(src.body) // the other charsets are supersets of ASCII
}

// reader reads the source as valid UTF-8. It decodes as it goes; what can not be
// decoded becomes U+FFFD.
func (src source) reader() io.Reader {
	r := bytes.NewReader(src.body)
	switch {
	case src.rest != nil:
		return transform.NewReader(io.MultiReader(r, src.rest), src.encoding.NewDecoder())
	case src.isUTF8():
		return r
	}
	return transform.NewReader(r, src.encoding.NewDecoder())
}

// text is what reader reads of a source that is in memory. It is not to be
// changed: it may be the body.
func (src source) text() ([]byte, error) {
	if src.isUTF8() {
		return src.body, nil
	}
	return src.encoding.NewDecoder().Bytes(src.body)
}

// beginning is the part of the source that is in memory.
func (src source) beginning() source {
	src.rest = nil
	return src
}

func isASCII(b []byte) bool {
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
