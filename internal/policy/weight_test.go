package policy

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// heavy are libraries that take longer to compile than most of Trawl. What needs them is in the
// module drivers, and in the full build.
var heavy = []string{"modernc.org/", "gocloud.dev", "cloud.google.com/", "github.com/Azure/", "google.golang.org/grpc"}

// TestWhatEveryoneCompilesStaysLight: who runs the command or imports Trawl compiles all of these
// packages first.
func TestWhatEveryoneCompilesStaysLight(t *testing.T) {
	t.Parallel()
	for pkg, most := range map[string]int{"./cmd/trawl": 530, ".": 460} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		packages := strings.Fields(string(text))
		if len(packages) < 300 || len(packages) > most {
			t.Errorf("%s needs %d packages, want at most %d", pkg, len(packages), most)
		}
		for _, p := range packages {
			if slices.ContainsFunc(heavy, func(prefix string) bool { return strings.HasPrefix(p, prefix) }) {
				t.Errorf("%s needs %s: move what uses it to the module drivers", pkg, p)
			}
		}
		t.Logf("%s needs %d packages", pkg, len(packages))
	}
}
