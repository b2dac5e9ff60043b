// Testrun runs go test with its own arguments, as `make test` does:
//
//	go run ./internal/test/testrun -vet=off ./...
//
// Packages that start goroutines are tested with the race detector, all others without it; where only
// some tests of a package start goroutines, these run with the detector as well. Tests
// that skip themselves under the detector (race.Skip) run once more without it. The command that
// tests start as a process is built once for all packages. What go test knows from an earlier run,
// because neither the code nor that command has changed, is not run again.
//
// Testrun prints the output of go test, followed by the skipped tests and the reasons. On Linux it
// also prints the processor time of the run: how much of it compiled, linked and ran tests, and
// which packages' tests took the most.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/test/testcommand"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run builds the command and runs all tests. It fails if a test fails. An interrupt from the
// terminal ends go test; the built command is then removed.
func run(args []string) error {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	flags, patterns := split(args)
	if len(patterns) == 0 {
		return fmt.Errorf("no packages in %q: name them last, such as ./internal/frontier", args)
	}
	p, err := newPlan(patterns)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "trawl-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(dir, p); err != nil {
		return err
	}
	digest, err := testcommand.DigestOf(dir)
	if err != nil {
		return err
	}
	return runTests(p, flags, testcommand.Dir+"="+dir, testcommand.Digest+"="+digest)
}

// split separates the flags of go test from the packages, which come last.
func split(args []string) (flags, patterns []string) {
	n := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "./") })
	if n < 0 {
		return args, nil
	}
	return args[:n], args[n:]
}

// commandLine is the package of which some tests run the command with the race detector. Fleets of
// other tests always run without it.
const commandLine = "github.com/trawlcrawler/trawl/cmd/trawl"

// build builds the command as the tests of a plan need it.
func build(dir string, p plan) error {
	if err := testcommand.Build(dir, false); err != nil || !slices.Contains(p.plain, commandLine) {
		return err
	}
	return testcommand.Build(dir, true)
}

// runTests runs the tests of a plan and prints one report of all.
func runTests(p plan, flags []string, variables ...string) error {
	r := newReport(os.Stdout)
	raced, plain := racedGo("test", "-json"), testcommand.Go("test", "-json")
	partly := racedGo("test", "-json", only(p.concurrent))
	err := errors.Join(
		goTest(raced, variables, r, "with the race detector", flags, p.raced),
		goTest(partly, variables, r, "with the race detector", flags, p.partly),
		goTest(plain, variables, r, "", flags, p.plain),
	)
	if names, packages := r.again(); len(names) > 0 {
		plain := testcommand.Go("test", "-json", only(names))
		err = errors.Join(err, goTest(plain, variables, r, "again, without the race detector", flags, packages))
	}
	r.skipped()
	r.usage.print(r.out, waitedFor())
	return err
}

// racedGo returns a go command that builds with the race detector.
func racedGo(command string, args ...string) *exec.Cmd {
	return exec.Command("go", slices.Concat([]string{command}, testcommand.Raced, args)...)
}

// only returns the flag of go test that runs the named tests alone.
func only(names []string) string { return "-run=^(" + strings.Join(names, "|") + ")$" }

// goTest completes a go test command with variables for its environment, flags and packages, and
// runs it, unless there are no packages. how is the word of the report for this run of a package.
func goTest(cmd *exec.Cmd, variables []string, r *report, how string, flags, packages []string) error {
	if len(packages) == 0 {
		return nil
	}
	cmd.Args = slices.Concat(cmd.Args, flags, packages)
	cmd.Env = append(cmd.Environ(), variables...)
	return show(cmd, r, how)
}

// show runs go test -json, prints its events, and adds its processor time to that of the report.
func show(cmd *exec.Cmd, r *report, how string) error {
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	done, children := make(chan struct{}), make(chan []child, 1)
	go func() { children <- watch(cmd.Process.Pid, done) }()
	readErr := r.read(events)
	err = cmd.Wait()
	close(done)
	dir, _ := os.Getwd()
	r.usage.add(<-children, dir, how)
	if err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return readErr
}
