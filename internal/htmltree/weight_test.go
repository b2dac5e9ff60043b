package htmltree

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestAttributesAreCounted(t *testing.T) {
	t.Parallel()
	for tag, least := range map[string]int{
		"<a>": 0, "<a b>": 1, "<a b c d>": 3, `<a b="x y z" c='1 2' d=e>`: 3, `<a b = "x y" c>`: 2, "<a/b/c>": 2,
		`<a b="x"c="y"d="z">`: 3, `<a b"c d"e>`: 2, `<a b="x`: 1,
	} {
		tokens := html.NewTokenizer(strings.NewReader(tag))
		tokens.Next()
		if got, real := attributesIn([]byte(tag)),
			len(tokens.Token().Attr); got < real || got < least || got > 2*least+2 {
			t.Errorf("%s has %d attributes, estimated %d, want at least %d", tag, real, got, least)
		}
	}
}
