package htmltok

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Spaces is the white space of HTML ("ASCII whitespace").
const Spaces = " \t\n\f\r"

// IsSpace reports whether c is white space of HTML.
func IsSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'
}

// IsLetter reports whether c is an ASCII letter.
func IsLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// MaxQuoted is how many bytes of page content a message quotes.
const MaxQuoted = 100

// Collapse trims text, replaces each run of white space by one space, and returns valid
// UTF-8 without NUL of at most most bytes. 0 means no limit.
func Collapse[T string | []byte](text T, most int) string {
	var b strings.Builder
	pending := false
	for i := 0; i < len(text); i++ {
		if IsSpace(text[i]) {
			pending = b.Len() > 0
			continue
		}
		if pending {
			b.WriteByte(' ')
			pending = false
		}
		b.WriteByte(text[i])
		if most > 0 && b.Len() > most {
			break
		}
	}
	return Clip(Clean(b.String()), most)
}

// Clip cuts s to at most most bytes, between runes. 0 means no limit.
func Clip(s string, most int) string {
	if most == 0 || len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.TrimRight(s[:most], " ")
}

// Clean turns data from a page into valid UTF-8 without NUL.
func Clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// HasToken reports whether a list separated by white space contains a token, in any
// letter case.
func HasToken(list []byte, token string) bool {
	for len(list) > 0 {
		end := 0
		for end < len(list) && !IsSpace(list[end]) {
			end++
		}
		if EqualFold(list[:end], token) {
			return true
		}
		list = list[min(end+1, len(list)):]
	}
	return false
}

// EqualFold reports whether b is the lower-case ASCII word, ignoring the case of ASCII
// letters.
func EqualFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// IsDigit reports whether c is an ASCII digit.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// Quotable returns a text in the form in which messages quote it.
func Quotable(text string) string { return Clip(Collapse(text, MaxQuoted), MaxQuoted) }

// IsTag reports whether b begins with the beginning of a start tag or an end tag.
func IsTag(b []byte) bool {
	b, ok := bytes.CutPrefix(b, []byte("<"))
	b = bytes.TrimPrefix(b, []byte("/"))
	return ok && len(b) > 0 && IsLetter(b[0])
}
