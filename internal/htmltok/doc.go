// Package htmltok tokenizes HTML. A [Tokenizer] reads a document in memory and yields exactly
// the tokens of golang.org/x/net/html, several times as fast; it can skim a document of which
// only links are wanted. A [Window] does the same for a document that is read as a stream.
//
// [Nesting] knows without a tree which elements are HTML and part of the page, and [TagPlace]
// where in a tag a byte is. The functions on text apply the rules of HTML for white space,
// letter case, lists of tokens and character references.
package htmltok
