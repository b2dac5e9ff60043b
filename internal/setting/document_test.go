package setting

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/textform"
)

// With UPDATE=1 in the environment, this test writes docs/settings.md.
func TestTheReferenceInDocsIsMadeFromTheTable(t *testing.T) {
	t.Parallel()
	const path = "../../docs/settings.md"
	want := Markdown()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/settings.md differs from the table; to write it again: UPDATE=1 go test ./internal/setting\n(-table +file):\n%s", diff)
	}
}

func TestAJobFileIsReadAsItIsAndWithEverySettingUncommented(t *testing.T) {
	t.Parallel()
	file := JobFile("example", []string{"https://example.com/", "https://example.org/?a=1#b"})
	want := Default()
	want.Name, want.Seeds = "example", []string{"https://example.com/", "https://example.org/?a=1#b"}
	commented := regexp.MustCompile(`(?m)^# ([a-z_]+: .*)$`)
	for name, text := range map[string]string{"as it is": file, "uncommented": commented.ReplaceAllString(file, "$1")} {
		got := Default()
		settings, keep := textform.Form(&got)
		if err := yaml.UnmarshalWithOptions([]byte(text), settings, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		keep()
		for _, s := range table {
			if s.Text(&got) != s.Text(&want) && !(s.IsList() && s.Text(&got) == "" || s.Text(&want) == "null") {
				t.Errorf("%s: %s is %q, want %q", name, s.Name, s.Text(&got), s.Text(&want))
			}
		}
	}
	for _, s := range table {
		if s.In&(InJob|InCrawl) != 0 && !strings.Contains(file, s.Name+":") {
			t.Errorf("the file lacks %s", s.Name)
		}
	}
	for _, line := range strings.Split(file, "\n") {
		if len(line) > 100 && !strings.Contains(line, ": ") {
			t.Errorf("a line has %d columns: %s", len(line), line)
		}
	}
}
