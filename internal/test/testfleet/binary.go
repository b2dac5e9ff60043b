package testfleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/race"
	"github.com/trawlcrawler/trawl/internal/test/testcommand"
)

// built is the folder of the commands that this test binary has built.
var built string

// Main runs the tests of a binary and returns its exit status. Afterwards it removes what
// was built for them.
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

// Binary returns the path of the command, with or without the race detector. It uses the
// command that was built for all packages, if there is one (see testcommand.Built), and
// otherwise builds it on first use.
func Binary(race bool) (string, error) {
	if dir := testcommand.Built(); dir != "" {
		return testcommand.Path(dir, race), nil
	}
	if built == "" {
		return "", errors.New("build the command: testfleet.Main did not run the tests: write os.Exit(testfleet.Main(m)) in TestMain")
	}
	build := buildPlain
	if race {
		build = buildRaced
	}
	return testcommand.Path(built, race), build()
}

// HasRaced reports whether Binary has a command with the race detector: if one was built for all
// packages, or else if the tests use the detector themselves.
func HasRaced() bool {
	dir := testcommand.Built()
	if dir == "" {
		return race.Enabled
	}
	_, err := os.Stat(testcommand.Path(dir, true))
	return err == nil
}

var (
	buildPlain = sync.OnceValue(func() error { return testcommand.Build(built, false) })
	buildRaced = sync.OnceValue(func() error { return testcommand.Build(built, true) })
)

// Patience returns a context that ends shortly before the tests time out, so that a hang
// is reported and cleaned up. Without -timeout it ends with the test.
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

// Soon returns a context for things that take seconds. It ends what hangs. Its ten
// minutes are enough on any busy machine.
func Soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(Patience(t), 10*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Within checks that something took no longer than promised. Only the slow tests do, which need
// an otherwise idle machine (TRAWL_SLOW or TRAWL_CHAOS); others log it. What hangs is ended by
// [Soon].
func Within(t testing.TB, what string, took, promised time.Duration) {
	t.Helper()
	t.Logf("%s after %v", what, took.Round(time.Millisecond))
	quiet := os.Getenv("TRAWL_SLOW") != "" || os.Getenv("TRAWL_CHAOS") != ""
	if quiet && took > promised {
		t.Errorf("%s after %v, want %v", what, took, promised)
	}
}
