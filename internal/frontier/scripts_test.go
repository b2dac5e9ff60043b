package frontier

import (
	"slices"
	"strings"
	"testing"
)

// A script contains the paragraphs that it uses directly or indirectly, in the order of the source,
// and no others.
func TestAScriptContainsTheParagraphsItUses(t *testing.T) {
	all := paragraphsOf("local A = 1\n\n-- f is about C.\nlocal function f()\n\n  return A\nend\n\nlocal B, C = f(), 2",
		"local D = 3\n\nlocal function g() return D end\n\nlocal g = B")
	for text, want := range map[string]string{
		"return 0":         "",
		"return A -- B":    "local A = 1\n",
		"f()":              "local A = 1\n-- f is about C.\nlocal function f()\n\n  return A\nend\n",
		"return C":         "local A = 1\n-- f is about C.\nlocal function f()\n\n  return A\nend\nlocal B, C = f(), 2\n",
		"return D, Ag, fB": "local D = 3\n",
		"g":                "local A = 1\n-- f is about C.\nlocal function f()\n\n  return A\nend\nlocal B, C = f(), 2\nlocal g = B\n",
	} {
		if got := all.text(all.used(text)); got != want {
			t.Errorf("%q uses %q, want %q", text, got, want)
		}
	}
}

// Each shared paragraph is used by some verb.
func TestSharedParagraphsAreUsed(t *testing.T) {
	files, err := sources.ReadDir("lua")
	if err != nil {
		t.Fatal(err)
	}
	shared := []string{"call", "fold", "lib", "visit", "seen", "depth"}
	var verbs strings.Builder
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".lua"); !slices.Contains(shared, name) {
			verbs.WriteString(source(name))
		}
	}
	used := make(map[string]bool) // by text
	withoutDepth := shared[:len(shared)-1]
	for _, names := range [][]string{withoutDepth, shared} {
		var texts []string
		for _, name := range names {
			texts = append(texts, source(name))
		}
		all := paragraphsOf(texts...)
		for i, yes := range all.used(verbs.String()) {
			used[all[i].text] = used[all[i].text] || yes || len(all[i].declares) == 0
		}
	}
	for text, yes := range used {
		if !yes {
			t.Errorf("unused: %s", text)
		}
	}
}
