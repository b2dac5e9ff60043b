package htmltree

import (
	"bytes"

	"golang.org/x/net/html"
)

// How much memory a page's tree takes, in bytes.
const (
	nodeWeight      = 112 // of an html.Node, rounded up to the allocator's size class
	attributeWeight = 400 // of an attribute in a tag with many attributes, whose slice is copied as it grows; measured
	impliedNodes    = 2   // elements that one tag may create: <td> creates a <tr>, </p> creates a <p>

	// MaxWeight is the largest tree. With one smaller tree per processor, a worker stays
	// within its memory. Well-meant pages of 2 MiB, the most that is read, are estimated
	// at up to 55 MB.
	MaxWeight = 96 << 20
)

// WeightOf estimates the memory of a token in the page's tree, from its bytes in the
// page. It does not include elements that are opened again (see Formatting).
func WeightOf(kind html.TokenType, raw []byte) int64 {
	switch kind {
	case html.TextToken, html.CommentToken:
		return nodeWeight + int64(len(raw))
	case html.StartTagToken, html.SelfClosingTagToken:
		return impliedNodes*nodeWeight + int64(len(raw)+attributesIn(raw)*attributeWeight)
	case html.EndTagToken:
		return nodeWeight
	}
	return 0
}

// attributesIn returns how many attributes a tag may have, or slightly more. Text within
// quotes is part of a value.
func attributesIn(tag []byte) (n int) {
	value := false // the last character besides spaces was an equals sign
	for i := 0; i < len(tag); i++ {
		switch c := tag[i]; c {
		case ' ', '\t', '\n', '\f', '\r', '/':
			n++
		case '=':
			value = true
		case '"', '\'':
			if value {
				end := bytes.IndexByte(tag[i+1:], c)
				if end < 0 {
					return n + 1
				}
				i += end + 1
				n++
			}
			value = false
		default:
			value = false
		}
	}
	return n
}
