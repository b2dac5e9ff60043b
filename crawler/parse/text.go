package parse

import (
	"strings"
	"unicode/utf8"
)

// spaces are the white space of HTML ("ASCII whitespace").
const spaces = " \t\n\f\r"

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// mostQuoted is how many bytes of what a page says are quoted in a message.
const mostQuoted = 100

// collapse trims text, makes one space of each run of white space, and valid
// UTF-8 without NUL of the whole, of at most most bytes. 0 is no limit.
func collapse[T string | []byte](text T, most int) string {
	var b strings.Builder
	pending := false
	for i := 0; i < len(text); i++ {
		if isSpace(text[i]) {
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
	return clip(clean(b.String()), most)
}

// clip cuts s to at most most bytes, between runes. 0 is no limit.
func clip(s string, most int) string {
	if most == 0 || len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.TrimRight(s[:most], " ")
}

// clean makes text of what a page sent: valid UTF-8 without NUL.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// hasToken reports whether a list of tokens between white space has a token, in
// any letter case.
func hasToken(list []byte, token string) bool {
	for len(list) > 0 {
		end := 0
		for end < len(list) && !isSpace(list[end]) {
			end++
		}
		if equalFold(list[:end], token) {
			return true
		}
		list = list[min(end+1, len(list)):]
	}
	return false
}

// equalFold reports whether b is the lower-case ASCII word, in any letter case
// of ASCII.
func equalFold(b []byte, word string) bool {
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
