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
	var verbs strings.Builder
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".lua"); !slices.Contains([]string{"lib", "visit", "seen", "depth"},
			name) {
			verbs.WriteString(source(name))
		}
	}
	for _, shared := range [][]string{{source("lib"), source("visit"), source("seen")},
		{source("lib"), source("visit"), source("seen"), source("depth")}} {
		all := paragraphsOf(shared...)
		used := all.used(verbs.String())
		for i, p := range all {
			if len(p.declares) > 0 && !used[i] && !overridden(all[i+1:], p) {
				t.Errorf("%v is unused", p.declares)
			}
		}
	}
}

// overridden reports whether later paragraphs declare the same names.
func overridden(later paragraphs, p paragraph) bool {
	return slices.ContainsFunc(later, func(l paragraph) bool { return slices.Contains(l.declares, p.declares[0]) })
}
