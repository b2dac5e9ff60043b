package robots

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContentSignals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file string
		want       map[string]string
	}{
		{"none", "User-agent: *\nDisallow: /a\n", nil},
		{"between a group's lines", "User-agent: *\nContent-Signal: search=yes, AI-Train=No\nAllow: /\n",
			map[string]string{"search": "yes", "ai-train": "no"}},
		{"after its rules", "User-agent: *\nAllow: /\ncontent-signal: search=yes\ncontent-signal: ai-input=no\n",
			map[string]string{"search": "yes", "ai-input": "no"}},
		{"our own group before everyone's",
			"User-agent: *\nContent-Signal: search=no\nUser-agent: trawl\nContent-Signal: search=yes\n",
			map[string]string{"search": "yes"}},
		{"of our own group, which has none", "User-agent: *\nContent-Signal: search=no\nUser-agent: trawl\nDisallow:\n",
			nil},
		{"of a group for several", "User-agent: a\nUser-agent: trawl\nContent-Signal: search=no\n",
			map[string]string{"search": "no"}},
		{"of another", "User-agent: a\nContent-Signal: search=no\n", nil},
		{"of no group", "Content-Signal: search=no\nUser-agent: *\nAllow: /\n", map[string]string{"search": "no"}},
		{"of no group, and of ours", "Content-Signal: search=no\nUser-agent: trawl\nContent-Signal: ai-train=no\n",
			map[string]string{"ai-train": "no"}},
		{"a contradiction", "User-agent: *\nContent-Signal: a=yes, a=no, a=yes\n", map[string]string{"a": "no"}},
		{"mistakes are skipped",
			"User-agent: *\nContent-Signal: a, =no, b c=no, d=maybe,, /x ai-train=no, e=yes=no, f = yes # g=no\n",
			map[string]string{"f": "yes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for reading, file := range map[string]string{"as it is": c.file,
				"as it is cached": condense([]byte(c.file))} {
				if diff := cmp.Diff(c.want, Parse([]byte(file), "trawl").Signals()); diff != "" {
					t.Errorf("signals of the file %s (-want +got):\n%s", reading, diff)
				}
			}
		})
	}
}

func TestContentSignalsLeaveRulesAlone(t *testing.T) {
	t.Parallel()
	rules := Parse([]byte("User-agent: a\nContent-Signal: search=no\nUser-agent: trawl\nDisallow: /x\n"), "trawl")
	if rules.Allowed(parseURL(t, "/x")) {
		t.Error("a Content-Signal separates two lines that start one group")
	}
	if rules := Parse([]byte("User-agent: a\nContent-Signal: search=no\nUser-agent: *\nDisallow: /x\n"),
		"a"); rules.Allowed(parseURL(t, "/x")) {
		t.Error("a Content-Signal ends the start of a group")
	}
}
