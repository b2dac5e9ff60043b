package trawl_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// vulncheck runs the check for known vulnerabilities, with such a variable in its
// environment.
func vulncheck(t *testing.T, variable, packages string) (said string, status int) {
	t.Helper()
	for _, tool := range []string{"bash", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s is on PATH", tool)
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

// builtVulncheck has the tool built, with modules from the network if need be: a test
// that cuts the network off means the database.
var builtVulncheck = sync.OnceValue(func() error {
	text, err := exec.Command("go", "tool", "-n", "govulncheck").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go tool -n govulncheck: %w\n%s", err, text)
	}
	return nil
})

func TestAVulnerabilityThatIsCalledFailsTheCheck(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs(filepath.Join("testdata", "vulndb"))
	if err != nil {
		t.Fatal(err)
	}
	if said, status := vulncheck(t, "VULNDB=file://"+dir, "./crawler"); status == 0 || !strings.Contains(said, "GO-2000-0001") {
		t.Errorf("exits with %d and says\n%s", status, said)
	}
	if said, status := vulncheck(t, "VULNDB=file://"+dir, "./internal/testsite"); status != 0 {
		t.Errorf("where it is not called it exits with %d and says\n%s", status, said)
	}
}

func TestWhereNoDatabaseIsToBeHadTheCheckSaysSo(t *testing.T) {
	t.Parallel()
	const nobody = "HTTPS_PROXY=http://127.0.0.1:1" // is there to ask the usual database
	said, status := vulncheck(t, nobody, "./internal/testsite")
	if status != 0 || !strings.Contains(said, "NOT CHECKED") {
		t.Errorf("exits with %d and says\n%s", status, said)
	}
	if said, status := vulncheck(t, nobody, "./nosuch"); status == 0 {
		t.Errorf("what can not be read is no reason to pass: it says\n%s", said)
	}
}
