package reference

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinksOfMarkdown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a list", "# Shop\n> About\n## Docs\n- [A](https://a.example/a.md): about a\n- [B](/b.html)\n",
			[]string{"https://a.example/a.md", "/b.html"}},
		{"with titles", `[A](/a "A page") [B]( /b 'x')`, []string{"/a", "/b"}},
		{"in brackets", "[A](</a b>) [B](<b)\n[C](/c)", []string{"/a b", "b)", "/c"}},
		{"with parentheses", "[A](/a_(b)) and [C](/c)", []string{"/a_(b)", "/c"}},
		{"that break off", "[A](/a) [B](/b", []string{"/a", "/b"}},
		{"none", "# Shop\nhttps://a.example/ [x] (y)\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := slices.Collect(InMarkdown(c.text))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzInMarkdown(f *testing.F) {
	f.Add("[A](/a \"A\") [B](<b>) [C](c(d)")
	f.Fuzz(func(t *testing.T, text string) {
		for rest := text; ; {
			target, after, found := nextLink(rest)
			if !found {
				return
			}
			if len(after) >= len(rest) || !strings.Contains(rest, target) {
				t.Fatalf("%q leaves %q", rest, after)
			}
			rest = after
		}
	})
}
