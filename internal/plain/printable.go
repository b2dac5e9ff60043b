package plain

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Printable turns a text that may come from the web into a line that is safe to show. It
// replaces characters that could mislead a terminal, a log or a reader with their escapes,
// such as \u001b: the control characters of C0 and C1 including DEL, newlines, tabs, and
// the marks that change the direction of text (Unicode Standard Annex #9, 2). Bytes that
// are not UTF-8 become U+FFFD. In a JSON string the escapes stand for the same characters.
func Printable(text string) string {
	if i := strings.IndexFunc(text, Misleads); i < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text { // a byte that is not UTF-8 becomes U+FFFD
		if Misleads(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Misleads reports whether a character controls the display instead of being displayed.
func Misleads(r rune) bool {
	switch {
	case r < 0x20, 0x7f <= r && r < 0xa0:
		return true
	case r == '\u061c', r == '\u200e', r == '\u200f', '\u2028' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return true
	}
	return false
}
