package main

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/test/testcommand"
)

func TestMistakesThatTakeFactsAboutOtherPackagesAreFound(t *testing.T) {
	t.Parallel()
	output, err := testcommand.Go("run", ".", "./testdata/planted/...").Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("exits with %v and says\n%s", err, output)
	}
	var got []string
	for line := range strings.Lines(string(output)) {
		got = append(got, regexp.MustCompile(`:(\d+):\d+: .*(\(.*\))`).ReplaceAllString(strings.TrimSpace(line),
			" $1 $2"))
		// Findings out of the build cache name the folder that they were first made in.
		last := &got[len(got)-1]
		*last = (*last)[max(0, strings.Index(*last, "testdata/")):]
	}
	want := []string{
		"testdata/planted/planted.go 5 (SA1019)",  // of the standard library, deprecated
		"testdata/planted/planted.go 14 (SA4017)", // of the standard library, has no side effects
		"testdata/planted/planted.go 15 (SA4017)", // of this module, has no side effects
		"testdata/planted/planted.go 16 (SA5012)", // of the standard library, wants pairs
		"testdata/planted/planted.go 18 (SA1019)", // of another module, deprecated
		"testdata/planted/planted.go 21 (U1000)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s\n%s", diff, exit.Stderr)
	}
}

func TestOnlyPackagesOfOtherModulesAreLibraries(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"strings": false, "net/http": false, "vendor/golang.org/x/net/idna": false, "main": false,
		module: false, module + "/internal/frontier": false, module + "_test": false, module + ".test": false,
		"golang.org/x/net/html": true, "github.com/redis/go-redis/v9": true,
	} {
		if library(path) != want {
			t.Errorf("%s is a library: %t, want %t", path, !want, want)
		}
	}
}
