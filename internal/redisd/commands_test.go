package redisd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// scriptsOf returns all files that contain the scripts of Trawl and of asynq.
func scriptsOf(t *testing.T) (files []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}",
		"github.com/hibiken/asynq").Output()
	if err != nil {
		t.Skip("go list does not find asynq: ", err)
	}
	for _, pattern := range []string{"../frontier/lua/*.lua",
		filepath.Join(strings.TrimSpace(string(out)), "internal/rdb/*.go")} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		files = append(files, found...)
	}
	return slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}

func TestEveryCommandOfTheScriptsIsSupported(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	call := regexp.MustCompile(`redis[._]p?call\(\s*['"](\w+)['"]`)
	seen := make(map[string]bool)
	for _, file := range scriptsOf(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range call.FindAllSubmatch(text, -1) {
			name := strings.ToUpper(string(match[1]))
			seen[name] = true
			if _, refusal := b.effectOf(name, nil); refusal != "" || !b.server.IsRegisteredCommand(name) {
				t.Errorf("%s calls %s: %q", file, name, refusal)
			}
		}
	}
	if len(seen) < 40 {
		t.Errorf("the scripts call only %d commands: the test finds too few", len(seen))
	}
}
