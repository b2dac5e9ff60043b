package policy

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// The threat model names, for each threat, the test that covers it.
func TestTheTestsNamedInTheThreatModelExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	threats := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.Contains(line, "---") || strings.Contains(line, "shown by") {
			continue
		}
		threats++
		shown := quoted.FindAllStringSubmatch(cells[3], -1)
		if len(shown) == 0 {
			t.Errorf("no test covers this threat: %s", line)
		}
		for _, match := range shown {
			if _, err := os.Stat(match[1]); err != nil {
				t.Errorf("SECURITY.md names a test that does not exist: %v", err)
			}
		}
	}
	if threats < 10 {
		t.Errorf("only %d threats of the threat model were found", threats)
	}
}
