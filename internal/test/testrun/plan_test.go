package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"slices"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/race"
)

const module = "github.com/trawlcrawler/trawl/"

func TestPackagesThatStartGoroutinesAreTestedWithTheRaceDetector(t *testing.T) {
	t.Parallel()
	p, err := newPlan([]string{
		module + "internal/frontier",     // has go statements
		module + "internal/localcrawl",   // calls WaitGroup.Go
		module + "internal/parse",        // only one of its tests starts goroutines
		module + "internal/htmltok",      // has none
		module + "internal/test/lint",    // calls testcommand.Go, which starts a program
		module + "internal/test/corpus",  // has no tests
		module + "internal/test/hostile", // is in the list outside
	})
	if err != nil {
		t.Fatal(err)
	}
	raced := []string{module + "internal/frontier", module + "internal/localcrawl"}
	plain := []string{module + "internal/htmltok", module + "internal/parse", module + "internal/test/corpus",
		module + "internal/test/hostile", module + "internal/test/lint"}
	slices.Sort(p.raced)
	slices.Sort(p.plain)
	if !slices.Equal(p.raced, raced) || !slices.Equal(p.plain, plain) {
		t.Errorf("with the detector: %q, without: %q", p.raced, p.plain)
	}
	if !slices.Equal(p.partly, []string{module + "internal/parse"}) ||
		!slices.Equal(p.concurrent, []string{"TestOneParserServesManyGoroutines"}) {
		t.Errorf("of %q, %q run with the detector as well", p.partly, p.concurrent)
	}
}

func TestATestIsConcurrentIfAFunctionThatItUsesStartsGoroutines(t *testing.T) {
	t.Parallel()
	const one = "package p\nfunc TestA() { go f() }\nfunc TestB() { deep() }\nfunc TestC() { testcommand.Go() }\n" +
		"func TestD() { run(each) }"
	const other = "package p\nimport \"x/testcommand\"\nfunc deep() { shallow() }\nfunc shallow() { all.Go(f) }\n" +
		"func (h host) each() { go f() }\nfunc TestE() { testcommand.Go() }\nfunc BenchmarkF() { go f() }"
	var files []*ast.File
	for _, text := range []string{one, other} {
		file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if got := concurrentTests(files); !slices.Equal(got, []string{"TestA", "TestB", "TestC", "TestD"}) {
		t.Errorf("%q are concurrent", got) // testcommand is a package in the second file alone
	}
}

func TestPackagesThatAreListedAsOutsideExist(t *testing.T) {
	t.Parallel()
	var patterns []string
	for _, name := range outside {
		patterns = append(patterns, module+name)
	}
	if _, err := newPlan(patterns); err != nil {
		t.Error(err)
	}
}

func TestAPackageThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	if p, err := newPlan([]string{"./nosuch"}); err == nil {
		t.Errorf("the plan is %+v", p)
	}
}

func TestFlagsEndWhereThePackagesBegin(t *testing.T) {
	t.Parallel()
	flags, patterns := split([]string{"-vet=off", "-timeout", "10m", "./a", "./b/..."})
	if !slices.Equal(flags, []string{"-vet=off", "-timeout", "10m"}) ||
		!slices.Equal(patterns, []string{"./a", "./b/..."}) {
		t.Errorf("flags %q, packages %q", flags, patterns)
	}
	if _, patterns := split([]string{"-vet=off"}); patterns != nil {
		t.Errorf("packages %q", patterns)
	}
}

func TestTestsThatTheDetectorMakesSlowRunAgainAndAreNotListedAsSkipped(t *testing.T) {
	t.Parallel()
	r := newReport(io.Discard)
	for _, name := range []string{"TestB", "TestA/part", "TestA/other"} {
		r.take(event{Action: "output", Package: "p", Test: name, Output: "    a_test.go:1: " + race.Elsewhere + "\n"})
		r.take(event{Action: "skip", Package: "p", Test: name})
	}
	r.take(event{Action: "output", Package: "q", Test: "TestC", Output: "    a_test.go:1: no ruler\n"})
	r.take(event{Action: "skip", Package: "q", Test: "TestC"})
	names, packages := r.again()
	if !slices.Equal(names, []string{"TestA", "TestB"}) || !slices.Equal(packages, []string{"p"}) {
		t.Errorf("runs %q of %q again", names, packages)
	}
	if len(r.skip) != 1 || len(r.skip["no ruler"]) != 1 {
		t.Errorf("lists as skipped: %v", r.skip)
	}
}
