package setting

import (
	"strings"
	"testing"
)

func TestAMisspeltKeyWithinASettingIsRecognised(t *testing.T) {
	t.Parallel()
	const extraction = "extract:\n- fields:\n    "
	for name, c := range map[string]struct{ text, want string }{
		"none":      {extraction + "b: {css: h2, type: text}\n  match: x\npriorities: [\"high /news/\"]\n", ""},
		"a setting": {"dealy: 1s\n", ""}, // what reads the file knows which settings it may have
		"in an extraction": {
			extraction + "a: h1\n  mach: x\n",
			`[4:3] extract[0]: unknown field "mach" (did you mean "match"?): want any of match, fields`,
		},
		"in a field": {
			extraction + "price: {ccs: .price}\n",
			`[3:13] extract[0].fields.price: unknown field "ccs" (did you mean "css"?): want any of css, `,
		},
		"in a nested field": {
			extraction + "a.b: {css: x, fields: {c: {regx: y}}}\n",
			`extract[0].fields.'a.b'.fields.c: unknown field "regx" (did you mean "regex"?)`,
		},
		"in a rule": {
			"follow_rules:\n- link: /a/\n",
			`[2:3] follow_rules[0]: unknown field "link" (did you mean "links"?)`,
		},
		"behind an anchor": {
			"follow_rules:\n- &r {mtach: /a/}\n",
			`follow_rules[0]: unknown field "mtach" (did you mean "match"?)`,
		},
		"like no other": {
			"priorities:\n- {colour: red}\n",
			`priorities[0]: unknown field "colour": want any of match, priority`,
		},
		"a list for a text": {"name: [n]\n", ""}, // a matter of the decoder
		"no mapping":        {"- a\n", ""},
		"no YAML":           {"a: [", ""},
		"nothing":           {"", ""},
	} {
		err := CheckKeys([]byte(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: the error is %v, want %q", name, err, c.want)
		}
	}
}
