package reference

import (
	"iter"
	"strings"
)

// InMarkdown yields the targets of the inline links and images of a text in Markdown, as
// written.
func InMarkdown(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			target, after, found := nextLink(text)
			if !found || !yield(target) {
				return
			}
			text = after
		}
	}
}

// nextLink returns the target of the next inline link of a text in Markdown, and the text
// after it (CommonMark, 6.3: a target ends at white space, or at the parenthesis that closes
// it).
func nextLink(text string) (target, after string, found bool) {
	_, text, found = strings.Cut(text, "](")
	if !found {
		return "", "", false
	}
	text = strings.TrimLeft(text, " \t")
	if inner, ok := strings.CutPrefix(text, "<"); ok {
		end := strings.IndexAny(inner, ">\n")
		if end < 0 {
			return "", "", true
		}
		return inner[:end], inner[end:], true
	}
	depth := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ', c == ')' && depth == 0:
			return text[:i], text[i:], true
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
	}
	return text, "", true
}
