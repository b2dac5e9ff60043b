package trawl_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// The threat model says of each threat which test shows that it is met.
func TestTheTestsOfTheThreatModelAreThere(t *testing.T) {
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
			t.Errorf("no test shows that this is met: %s", line)
		}
		for _, match := range shown {
			if _, err := os.Stat(match[1]); err != nil {
				t.Errorf("SECURITY.md names a test that is not there: %v", err)
			}
		}
	}
	if threats < 10 {
		t.Errorf("the threat model has %d threats: it can not be read", threats)
	}
}
