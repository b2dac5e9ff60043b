package crawler

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Printable makes a line that can be shown of a text that the web has a say in:
// what a terminal, a log or a reader could be misled by is written as its escape,
// \u001b. Those are the control characters of C0 and C1 with DEL, ends of lines,
// tabs, and the marks that turn the direction of text (Unicode Standard Annex #9,
// 2); bytes that are no UTF-8 become U+FFFD. In a string of JSON the escapes mean
// what they stand for.
func Printable(text string) string {
	if i := strings.IndexFunc(text, Misleads); i < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text { // a byte that is no UTF-8 is U+FFFD
		if Misleads(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Misleads reports whether a character is not one to be seen, but to be obeyed.
func Misleads(r rune) bool {
	switch {
	case r < 0x20, 0x7f <= r && r < 0xa0:
		return true
	case r == '\u061c', r == '\u200e', r == '\u200f', '\u2028' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return true
	}
	return false
}
