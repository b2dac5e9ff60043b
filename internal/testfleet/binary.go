package testfleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// built is the folder of the built command while the tests run.
var built string

// Main runs the tests of a binary and returns its exit status. What was built
// for them is removed behind them.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "trawl-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = dir
	return m.Run()
}

// Binary returns the path of the command, which is built when it is first asked
// for. race builds it with the race detector.
func Binary(race bool) (string, error) {
	if race {
		return raced()
	}
	return plain()
}

var (
	plain = sync.OnceValues(func() (string, error) { return build("trawl") })
	raced = sync.OnceValues(func() (string, error) { return build("trawl-race", "-race") })
)

func build(name string, flags ...string) (string, error) {
	if built == "" {
		return "", fmt.Errorf("build the command: the tests were not run by testfleet.Main: write os.Exit(testfleet.Main(m)) in TestMain")
	}
	path := filepath.Join(built, name)
	args := append([]string{"build", "-o", path}, flags...)
	said, err := exec.Command("go", append(args, "github.com/trawlcrawler/trawl/cmd/trawl")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, said)
	}
	return path, nil
}

// Patience ends a little before the tests are ended, so that what hangs is told
// and tidied up. Without -timeout it ends with the test.
func Patience(t testing.TB) context.Context {
	const tidying = 10 * time.Second
	test, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return t.Context()
	}
	deadline, ok := test.Deadline()
	if !ok {
		return t.Context()
	}
	ctx, cancel := context.WithDeadline(t.Context(), deadline.Add(-tidying))
	t.Cleanup(cancel)
	return ctx
}

// Soon is a context for what takes seconds. It is there to end what hangs, and so
// generous that no machine is too busy: it ends after ten minutes.
func Soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(Patience(t), 10*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// busyTimes is how many times longer than promised things may take on a machine that
// does other things as well.
const busyTimes = 10

// Within checks that something took no longer than is promised. Only the slow tests,
// which want a quiet machine (TRAWL_SLOW or TRAWL_CHAOS), hold it to the promise;
// others only find out that it does not hang.
func Within(t testing.TB, what string, took, promised time.Duration) {
	t.Helper()
	t.Logf("%s after %v", what, took.Round(time.Millisecond))
	quiet := os.Getenv("TRAWL_SLOW") != "" || os.Getenv("TRAWL_CHAOS") != ""
	if took > busyTimes*promised || quiet && took > promised {
		t.Errorf("%s after %v, want %v", what, took, promised)
	}
}
