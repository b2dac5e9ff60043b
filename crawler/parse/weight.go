package parse

import (
	"bytes"

	"golang.org/x/net/html"
)

// What a tree of a page takes of memory, in bytes.
const (
	nodeWeight      = 112 // of an html.Node, in the size that the allocator gives it
	attributeWeight = 400 // of an attribute in a tag with many, whose lists are copied as they grow; measured
	impliedNodes    = 2   // elements that a tag may bring: <td> one of <tr>, </p> one of <p>

	// mostWeight is how heavy a tree may be: with a lighter one for each processor a
	// worker stays within its memory. Pages of 2 MiB, more than which is not read, are
	// estimated at up to 55 MB if nobody meant ill.
	mostWeight = 96 << 20
)

// weightOf estimates what a token of a page takes in its tree, by its bytes in the
// page. What is opened again (see formatting) is not in it.
func weightOf(kind html.TokenType, raw []byte) int64 {
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

// attributesIn is how many attributes a tag may have, or a few more. What is
// within quotes is the value of one.
func attributesIn(tag []byte) (n int) {
	value := false // an equals sign was the last but spaces
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
