package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// plan says how the tests of packages run.
type plan struct {
	raced []string // with the race detector: packages that start goroutines
	plain []string // without it
	// Of the packages in partly, which start no goroutines themselves, only the tests in concurrent do.
	// These run with the detector as well.
	partly, concurrent []string
}

// outside lists packages whose goroutines only wait for programs that run without the race
// detector. The detector would find nothing there.
var outside = []string{
	"cmd/trawl",             // the command, of which some tests run a build with the detector
	"deploy",                // containers
	"examples",              // example programs
	"internal/test/doctest", // commands of the documents
	"internal/test/faults",  // a fleet of processes
	"internal/test/hostile", // a worker in a process of its own
}

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir                    string
	Module                             struct{ Path string }
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// newPlan plans the tests of the packages that match patterns. It plans a package with the race
// detector if it starts goroutines, and if only some of its tests do, those tests. Where others call
// a package from several goroutines, their tests cover that.
func newPlan(patterns []string) (plan, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Module,GoFiles,TestGoFiles,XTestGoFiles"},
		patterns...)...)
	text, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return plan{}, fmt.Errorf("go list %s: %w\n%s", strings.Join(patterns, " "), err, exit.Stderr)
	}
	if err != nil {
		return plan{}, fmt.Errorf("go list: %w", err)
	}
	var p plan
	for packages := json.NewDecoder(strings.NewReader(string(text))); ; {
		var pkg listed
		if err := packages.Decode(&pkg); errors.Is(err, io.EOF) {
			return p, nil
		} else if err != nil {
			return plan{}, fmt.Errorf("read the output of go list: %w", err)
		}
		if err := p.add(pkg); err != nil {
			return plan{}, err
		}
	}
}

// add plans the tests of a package.
func (p *plan) add(pkg listed) error {
	name := strings.TrimPrefix(pkg.ImportPath, pkg.Module.Path+"/")
	tests := slices.Concat(pkg.TestGoFiles, pkg.XTestGoFiles)
	if len(tests) == 0 || slices.Contains(outside, name) {
		p.plain = append(p.plain, pkg.ImportPath)
		return nil
	}
	own, err := parseFiles(pkg.Dir, pkg.GoFiles)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(own, startsGoroutines) {
		p.raced = append(p.raced, pkg.ImportPath)
		return nil
	}
	files, err := parseFiles(pkg.Dir, tests)
	if err != nil {
		return err
	}
	p.plain = append(p.plain, pkg.ImportPath)
	if names := concurrentTests(files); len(names) > 0 {
		p.partly, p.concurrent = append(p.partly, pkg.ImportPath), append(p.concurrent, names...)
	}
	return nil
}
