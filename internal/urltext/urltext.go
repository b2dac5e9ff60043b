// Package urltext deals with URLs as text: before a parser has read them, or where they are
// quoted. It finds and hides user names and passwords, and encodes bytes that are not text.
package urltext

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxLength is the longest canonical URL that Trawl accepts, in bytes. RFC 9110, 4.1
// recommends at least 8,000.
const MaxLength = 8192

// EncodeBytes percent-encodes the bytes of a text that are not UTF-8, one by one, so that a
// path in Latin-1 or GBK leads where curl and browsers go. The URL Standard works on text,
// so its parsers would replace such bytes with U+FFFD, and nothing would be found there.
// UTF-8 is left unchanged; the parser encodes it.
func EncodeBytes(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+16)
	for i, r := range s {
		if r != utf8.RuneError {
			b = utf8.AppendRune(b, r)
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[i:]); size > 1 { // a U+FFFD in the input
			b = append(b, s[i:i+size]...)
			continue
		}
		b = append(b, '%', hex[s[i]>>4], hex[s[i]&15])
	}
	return string(b)
}

// Clip shortens foreign input for a message, and removes a password.
func Clip(s string) string {
	const most = 200
	s = HideLogin(s)
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// loginIn finds a possible login in an input that need not be a URL: everything up to an at
// sign before the path. A password may contain a slash that should have been encoded, so it
// also finds everything up to the last at sign after a colon.
var loginIn = regexp.MustCompile(`(?s)^([^/\\?#@:]*:(?:[/\\]+)|[/\\]{2,}|[^/\\?#@:]*:|)(?:[^/\\?#]*|[^/\\?#]*:.*)@`)

// HideLogin returns an input without a possible user name and password, for messages that
// quote it. A mailto address is unchanged.
func HideLogin(input string) string {
	if len(input) > len("mailto:") && strings.EqualFold(input[:len("mailto:")], "mailto:") {
		return input
	}
	return loginIn.ReplaceAllString(input, "${1}***@")
}
