// Testrun runs go test with its own arguments, as `make test` does:
//
//	go run ./internal/test/testrun -race ./...
//
// It prints the output of go test, followed by the skipped tests and the reasons. The command that
// tests start as a process is built once for all packages.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"

	"github.com/trawlcrawler/trawl/internal/test/testcommand"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run builds the command and runs go test. It fails if a test fails. An interrupt from the terminal
// ends go test; the built command is then removed.
func run(args []string) error {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	dir, err := os.MkdirTemp("", "trawl-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(dir, slices.Contains(args, "-race")); err != nil {
		return err
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Env = append(os.Environ(), testcommand.Dir+"="+dir)
	return show(cmd, os.Stdout)
}

// build builds the command as the tests need it: fleets always run without the race detector, and
// the tests of the command line run it with the detector if they are built with it themselves.
func build(dir string, race bool) error {
	if err := testcommand.Build(dir, false); err != nil || !race {
		return err
	}
	return testcommand.Build(dir, true)
}

// show runs go test -json and prints a report of it.
func show(cmd *exec.Cmd, out io.Writer) error {
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	report := newReport(out)
	readErr := report.read(events)
	report.skipped()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return readErr
}
