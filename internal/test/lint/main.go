// Lint runs staticcheck, as `make check` does:
//
//	go run ./internal/test/lint ./...
//
// It takes the flags of staticcheck and reports the same, with one exception that saves more than
// half of the time of a first run. Staticcheck analyses the functions of all libraries, to learn
// facts such as "this function has no side effects". Lint learns them only from this module and
// the standard library, and from others only which names are deprecated. `make slow` runs
// staticcheck with all facts.
package main

import (
	"os"
	"reflect"
	"strings"

	"golang.org/x/tools/go/analysis"
	"honnef.co/go/tools/analysis/lint"
	"honnef.co/go/tools/lintcmd"
	"honnef.co/go/tools/lintcmd/version"
	"honnef.co/go/tools/simple"
	"honnef.co/go/tools/staticcheck"
	"honnef.co/go/tools/stylecheck"
	"honnef.co/go/tools/unused"
)

// module is the path of this module, with which those of its packages begin.
const module = "github.com/trawlcrawler/trawl"

func main() {
	cmd := lintcmd.NewCommand("staticcheck")
	cmd.SetVersion(version.Version, version.MachineVersion)
	cmd.ParseFlags(os.Args[1:])
	for _, analyzers := range [][]*lint.Analyzer{simple.Analyzers, staticcheck.Analyzers, stylecheck.Analyzers,
		{unused.Analyzer}} {
		for _, a := range analyzers {
			skipLibraries(a.Analyzer)
		}
		cmd.AddAnalyzers(analyzers...)
	}
	cmd.Run()
}

// skipLibraries keeps an analyzer from analysing the functions of libraries.
func skipLibraries(a *analysis.Analyzer) {
	for _, required := range a.Requires {
		if required.Name == "buildir" {
			limit(required)
		}
		skipLibraries(required)
	}
}

var limited = make(map[*analysis.Analyzer]bool)

// limit lets buildir, which prepares the functions of a package for other analyzers, find none in
// libraries.
func limit(buildir *analysis.Analyzer) {
	if limited[buildir] {
		return
	}
	limited[buildir] = true
	build := buildir.Run
	buildir.Run = func(pass *analysis.Pass) (any, error) {
		if library(pass.Pkg.Path()) {
			return reflect.New(buildir.ResultType.Elem()).Interface(), nil
		}
		return build(pass)
	}
}

// library reports whether a package belongs neither to this module nor to the standard library.
func library(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") && !strings.HasPrefix(path, module) // the tests of the root are in module_test
}
