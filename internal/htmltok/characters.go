package htmltok

import (
	"bytes"

	"golang.org/x/net/html"
)

// newlines normalizes newlines (HTML, "preprocessing the input stream").
func newlines(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
}

func withoutNULs(text []byte) []byte {
	if bytes.IndexByte(text, 0) < 0 {
		return text
	}
	return bytes.ReplaceAll(text, []byte("\x00"), []byte("\uFFFD"))
}

// DecodeValue decodes the value of an attribute. It does not write to its argument.
func DecodeValue(value []byte) []byte {
	value = newlines(withoutNULs(value))
	at := bytes.IndexByte(value, '&')
	if at < 0 {
		return value
	}
	var decoded []byte
	for ; at >= 0; at = bytes.IndexByte(value, '&') {
		decoded = append(decoded, value[:at]...)
		value = value[at:]
		written := characterReference(value)
		decoded = append(decoded, character(value[:written])...)
		value = value[written:]
	}
	return append(decoded, value...)
}

// characterReference returns the length of what may be a character reference at the
// beginning of text, within a value; 1 if it is not one (HTML, "character reference
// state").
func characterReference(text []byte) int {
	at := 1
	if bytes.HasPrefix(text, []byte("&#")) {
		at = len("&#")
	}
	for at < len(text) && (IsLetter(text[at]) || IsDigit(text[at])) {
		at++
	}
	switch {
	case at < len(text) && text[at] == ';':
		at++
	case at < len(text) && text[at] == '=' && text[1] != '#': // a query parameter
		return 1
	}
	return at
}

// character decodes a character reference in a value, either completely or not at all: in
// a value, a name that is only a prefix of the reference does not count.
func character(ref []byte) []byte {
	if string(ref) == "&amp;" {
		return ref[:1]
	}
	decoded := []byte(html.UnescapeString(string(ref)))
	if bytes.HasPrefix(ref, []byte("&#")) {
		return decoded
	}
	part := string(ref) != "&semi;" // part of the name is left over
	if last := decoded[len(decoded)-1]; ref[len(ref)-1] == ';' {
		part = part && last == ';'
	} else {
		part = IsLetter(last) || IsDigit(last)
	}
	if part {
		return ref
	}
	return decoded
}
