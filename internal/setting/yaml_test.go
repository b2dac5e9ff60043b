package setting

import (
	"fmt"
	"strings"
	"testing"
)

func TestYAMLThatCostsTooMuchIsNotDecoded(t *testing.T) {
	t.Parallel()
	lines := func(line string, n int) string { return strings.Repeat(line+"\n", n) }
	for name, c := range map[string]struct{ text, want string }{
		"nothing": {"", ""},
		"a job": {
			"name: n\nseeds: [https://example.com/?a[]=1, 'x']\nselect:\n  - \"a=[href]\"\n", "",
		},
		"many seeds": {
			"seeds:\n" + lines("  - https://example.com/?filter[a]=1&b[]=2", 90_000), "",
		},
		"aliases":             {"a: &a {b: c}\nd:\n" + lines("- *a", 1000), ""},
		"aliases of aliases":  {"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", ""},
		"something else":      {"%PDF-1.4 \x00 [ { & *", ""},
		"an alias of nothing": {"a: *b\nc: &d e\n", ""},
		"an alias of itself":  {"a: &a [*a, *a]\n", ""},
		"brackets": {
			"a: " + strings.Repeat("[", 20_000), "20000 lists and maps start with a bracket",
		},
		"brackets with spaces and words": {
			"a: " + strings.Repeat("[ a, {'b': ", 10_000), "20000 lists and maps start with a bracket",
		},
		"brackets in lines":         {"a: \n" + lines(" [", 20_000), "start with a bracket"},
		"brackets that quotes hide": {"a: " + strings.Repeat(`[ "]", `, 20_000), "start with a bracket"},
		"brackets behind anchors":   {"a: " + strings.Repeat("&a [ ", 20_000), "start with a bracket"},
		"dashes": {
			"a:\n" + strings.Repeat("- ", 1000) + "b", "line 2: more than 32 lists start in it",
		},
		"keys": {strings.Repeat("? ", 1000), "line 1: more than 32"},
		"spaces": {
			"a:\n" + strings.Repeat(" ", 1000) + "b: c", "line 2: it starts with 1000 spaces",
		},
		"commas": {"a: [" + strings.Repeat("a,", 600_000), "600000 lines and commas"},
		"lines":  {strings.Repeat("\r", 600_000), "600000 lines and commas"},
		"bytes":  {strings.Repeat("a", 17<<20), "17825792 bytes"},
		"long lists of long aliases": {
			"a: &a [" + strings.Repeat("a,", 10_000) + "]\nb: [" + strings.Repeat("*a,", 1000) + "]\n",
			"its aliases expand to more than 100000 values",
		},
		"aliases in maps": {laughter(), "its aliases expand to more than 100000 values"},
		"aliases in lists of maps": {
			"a: &a [" + strings.Repeat("{x: y},", 900) + "]\nb:\n" + strings.Repeat("- *a\n", 1000),
			"its aliases expand to more than 100000 values",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckYAML([]byte(c.text))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

// laughter is maps whose values are aliases of the map before.
func laughter() string {
	text := "a: &a {x: y}\n"
	for c := 'b'; c <= 'p'; c++ {
		text += fmt.Sprintf("%c: &%c\n  x: *%c\n  y: *%c\n  z:\n  - *%c\n", c, c, c-1, c-1, c-1)
	}
	return text
}
