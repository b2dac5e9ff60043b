package policy

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testcommand"
)

// vulncheck runs the check for known vulnerabilities with a variable in its environment.
func vulncheck(t *testing.T, variable, packages string) (output string, status int) {
	t.Helper()
	for _, tool := range []string{"bash", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %[1]s on PATH: install %[1]s", tool)
		}
	}
	if err := builtVulncheck(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(".ci", "vulncheck"), packages)
	cmd.Env = append(os.Environ(), variable)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// builtVulncheck builds the tool once, with modules from the network if necessary. A test that cuts
// the network off is about the database only.
var builtVulncheck = sync.OnceValue(func() error {
	text, err := testcommand.Go("tool", "-n", "govulncheck").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go tool -n govulncheck: %w\n%s", err, text)
	}
	return nil
})

// small is a package whose few dependencies are checked quickly.
const small = "./internal/htmltok"

// database returns the variable that names a folder of testdata as the database.
func database(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("internal", "policy", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return "VULNDB=file://" + dir
}

func TestAVulnerabilityThatIsCalledFailsTheCheck(t *testing.T) {
	t.Parallel()
	if output, status := vulncheck(t, database(t, "vulndb"), small); status == 0 ||
		!strings.Contains(output, "GO-2000-0001") {
		t.Errorf("exits with %d and says\n%s", status, output)
	}
	if output, status := vulncheck(t, database(t, "vulndb-uncalled"), small); status != 0 ||
		!strings.Contains(output, "0 vulnerabilities") {
		t.Errorf("for a vulnerability that is not called, it exits with %d and says\n%s", status, output)
	}
}

func TestWithoutADatabaseTheCheckSaysSo(t *testing.T) {
	t.Parallel()
	const unreachable = "HTTPS_PROXY=http://127.0.0.1:1" // would otherwise query the default database
	output, status := vulncheck(t, unreachable, small)
	if status != 0 || !strings.Contains(output, "NOT CHECKED") {
		t.Errorf("exits with %d and says\n%s", status, output)
	}
	if output, status := vulncheck(t, unreachable, "./nosuch"); status == 0 {
		t.Errorf("the check passes without a readable database; it says\n%s", output)
	}
}
