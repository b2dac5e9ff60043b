package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// plan says how the tests of packages run.
type plan struct {
	raced []string // with the race detector: packages that start goroutines
	plain []string // without it
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
// detector if the package or its tests start goroutines. Where others call a package from several
// goroutines, their tests cover that.
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
		raced, err := pkg.raced()
		if err != nil {
			return plan{}, err
		}
		if raced {
			p.raced = append(p.raced, pkg.ImportPath)
		} else {
			p.plain = append(p.plain, pkg.ImportPath)
		}
	}
}

// raced reports whether a package has tests that need the race detector.
func (p listed) raced() (bool, error) {
	name := strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")
	if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 || slices.Contains(outside, name) {
		return false, nil
	}
	for _, file := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
		if starts, err := startsGoroutines(filepath.Join(p.Dir, file)); starts || err != nil {
			return starts, err
		}
	}
	return false, nil
}

// startsGoroutines reports whether a file has a go statement or calls a method Go, as those of
// sync.WaitGroup and errgroup.Group. A function Go of another package, such as testcommand.Go,
// does not count.
func startsGoroutines(name string) (bool, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return false, err
	}
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.CallExpr:
			method, ok := n.Fun.(*ast.SelectorExpr)
			found = found || ok && method.Sel.Name == "Go" && !importedName(file, method.X)
		}
		return !found
	})
	return found, nil
}

// importedName reports whether an expression is the name of a package that a file imports.
func importedName(file *ast.File, x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
		if spec.Name != nil {
			return spec.Name.Name == id.Name
		}
		imported, err := strconv.Unquote(spec.Path.Value)
		return err == nil && path.Base(imported) == id.Name
	})
}
