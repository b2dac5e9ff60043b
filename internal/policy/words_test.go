package policy

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// avoided are words that the project's text does not use: archaic English, and names that
// earlier versions had for things which the field has words for.
var avoided = map[string]string{
	"can not": "cannot", "whereof": "of which", "thereof": "of it", "anew": "again", "for ever": "forever",
	"thereby": "so", "hitherto": "so far", "whither": "where", "ere": "before", "nobody but": "only",
	"lest":   "so that … not",
	"errand": "URL task", "bureau": "runner", "berth": "place", "workshop": "runtime", "depot": "blob store",
}

// TestTheTextIsPlain looks for them in all source and documents, except the figures of
// bench, which quote earlier versions, and samples of other languages.
func TestTheTextIsPlain(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on PATH: install git")
	}
	listed, err := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files", "--", "*.go", "*.lua",
		"*.md", "*.html", "*.yaml", "*.yml").Output()
	if err != nil {
		t.Skipf("git does not list the files of the project: %v", err)
	}
	patterns := make(map[string]*regexp.Regexp, len(avoided))
	for word := range avoided {
		patterns[word] = regexp.MustCompile(`(?i)\b` + strings.ReplaceAll(word, " ", `\s+(?://\s*)?`) + `s?\b`)
	}
	for file := range strings.FieldsSeq(string(listed)) {
		if strings.HasPrefix(file, "bench/") || file == "internal/policy/words_test.go" ||
			file == "internal/language/language_test.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) { // deleted, but not committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for word, better := range avoided {
			if at := patterns[word].FindIndex(text); at != nil {
				t.Errorf("%s:%d has %q: write %q", file, 1+strings.Count(string(text[:at[0]]), "\n"), word, better)
			}
		}
	}
}
