package parse

import (
	"bytes"

	"golang.org/x/net/html"
)

// newlines makes one of what stands for one (HTML, "preprocessing the input
// stream").
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

// decodeValue decodes the value of an attribute. It does not write to it.
func decodeValue(value []byte) []byte {
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

// characterReference is how long a character reference in a value may be that
// begins there: 1 when it is none (HTML, "character reference state").
func characterReference(text []byte) int {
	at := 1
	if bytes.HasPrefix(text, []byte("&#")) {
		at = len("&#")
	}
	for at < len(text) && (isLetter(text[at]) || isDigit(text[at])) {
		at++
	}
	switch {
	case at < len(text) && text[at] == ';':
		at++
	case at < len(text) && text[at] == '=' && text[1] != '#': // a parameter of a query
		return 1
	}
	return at
}

// character decodes a character reference in a value, all of it or nothing: a name
// within a name is none there.
func character(ref []byte) []byte {
	if string(ref) == "&amp;" {
		return ref[:1]
	}
	decoded := []byte(html.UnescapeString(string(ref)))
	if bytes.HasPrefix(ref, []byte("&#")) {
		return decoded
	}
	part := string(ref) != "&semi;" // what is left of a name
	if last := decoded[len(decoded)-1]; ref[len(ref)-1] == ';' {
		part = part && last == ';'
	} else {
		part = isLetter(last) || isDigit(last)
	}
	if part {
		return ref
	}
	return decoded
}
