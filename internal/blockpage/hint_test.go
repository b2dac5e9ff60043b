package blockpage

import (
	"strings"
	"testing"
)

// TestHintsCoverTheTable makes sure that no page which satisfies a rule with a good status lacks
// hints.
func TestHintsCoverTheTable(t *testing.T) {
	t.Parallel()
	for _, hint := range hints {
		if len(hint) != hintSize || strings.ToLower(hint) != hint {
			t.Errorf("the hint %q is not of %d bytes in lower case", hint, hintSize)
		}
	}
	used := make(map[string]bool)
	for _, m := range marks {
		for i, rule := range m.rules {
			if rule.headerOnly() || rule.status != anyStatus {
				continue
			}
			covered := false
			for _, s := range rule.signs {
				covered = covered || hintedAll(s.texts, used)
			}
			if !covered {
				t.Errorf("mark %q, rule %d: no sign of it is certain to have a hint", m.Name, i)
			}
		}
	}
	for _, hint := range hints {
		if !used[hint] {
			t.Errorf("no rule needs the hint %q", hint)
		}
	}
}

// hintedAll reports whether each of the texts has a hint, and notes those that it finds.
func hintedAll(texts []string, used map[string]bool) bool {
	all := true
	for _, text := range texts {
		found := false
		for _, hint := range hints {
			if strings.Contains(text, hint) {
				used[hint], found = true, true
			}
		}
		all = all && found
	}
	return all
}

func TestHintsAreFoundWhereverTheyAre(t *testing.T) {
	t.Parallel()
	for _, hint := range hints {
		for _, text := range []string{hint, strings.ToUpper(hint), hint[:3] + hint, hint[1:] + hint} {
			for before := range 3 * hintSize {
				for after := range 3 {
					body := strings.Repeat("a", before) + text + strings.Repeat("<", after)
					if !hinted([]byte(body)) {
						t.Errorf("no hint in %q", body)
					}
				}
			}
		}
		if hinted([]byte(hint[1:])) || hinted([]byte(hint[:hintSize-1])) {
			t.Errorf("a part of %q is a hint", hint)
		}
	}
}
