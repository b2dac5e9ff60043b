package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// changing are the parts of a message that a command fills in: quoted text, and words with
// digits or an ellipsis.
var changing = regexp.MustCompile(`"[^"]*"|\S*[\d…]\S*`)

// TestMessagesOfTheFAQAreInTheSource: the headings below "Messages" quote what commands
// print. Of what lies between the parts that change, three words in a row must be in the
// source.
func TestMessagesOfTheFAQAreInTheSource(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(read(t, "docs/faq.md"), "\n## Messages\n")
	section, _, _ = strings.Cut(section, "\n## ")
	source := goSource(t)
	checked := 0
	for l := range strings.Lines(section) {
		quoted, isHeading := strings.CutPrefix(l, "### `")
		if !isHeading {
			continue
		}
		message, _, _ := strings.Cut(quoted, "`")
		for _, part := range changing.Split(message, -1) {
			words := strings.Fields(part)
			if len(words) < 3 {
				continue
			}
			checked++
			if !threeIn(source, words) {
				t.Errorf("docs/faq.md explains %q, but %q is not in the source", message, part)
			}
		}
	}
	if checked < 10 {
		t.Errorf("%d parts of messages were checked, want 10 or more", checked)
	}
}

// threeIn reports whether three of the words follow one another in the text.
func threeIn(text string, words []string) bool {
	for i := range len(words) - 2 {
		if strings.Contains(text, strings.TrimRight(strings.Join(words[i:i+3], " "), ":;,")) {
			return true
		}
	}
	return false
}

// goSource returns the text of all Go files, without tests.
func goSource(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			all.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
