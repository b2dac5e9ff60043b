package trawl_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	cmd := exec.CommandContext(t.Context(), filepath.Join(".ci", "vulncheck"), packages)
	cmd.Env = append(os.Environ(), variable)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

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
