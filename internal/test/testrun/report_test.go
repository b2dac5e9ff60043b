package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testcommand"
)

// reported returns the report of a recorded run of the tests of a package in testdata.
func reported(t *testing.T, pkg string) (text string, failed bool) {
	t.Helper()
	var out strings.Builder
	cmd := testcommand.Go("test", "-C", "testdata/module", "-json", "-count=1", pkg)
	r := newReport(&out)
	err := show(cmd, r, "")
	r.skipped()
	return regexp.MustCompile(`\d+\.\d+s`).ReplaceAllString(out.String(), "0s"), err != nil
}

func TestAPassingPackageIsOneLineAndItsSkippedTestsAreListedAtTheEnd(t *testing.T) {
	t.Parallel()
	const want = "ok  \texample/passing\t0s\n" + `
Skipped:
  no ruler: install it (2 tests, such as TestSkipsAPart/part)
  no reason is given (TestSkipsAPart/last_part)
  no telescope: install telescope, or look up (TestSkips)
`
	if got, failed := reported(t, "./passing"); failed || got != want {
		t.Errorf("failed: %v, printed\n%s\nwant\n%s", failed, got, want)
	}
}

func TestAFailingPackageShowsTheOutputOfItsFailingTests(t *testing.T) {
	t.Parallel()
	got, failed := reported(t, "./failing")
	if !failed {
		t.Error("the run did not fail")
	}
	for _, want := range []string{"what led to it", "this is wrong", "--- FAIL: TestFails/part", "panic: out of order",
		"FAIL\texample/failing"} {
		if !strings.Contains(got, want) {
			t.Errorf("the report does not contain %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "nobody reads this") {
		t.Errorf("a test that passes is quoted:\n%s", got)
	}
}

func TestCompileErrorsAreShownUnchanged(t *testing.T) {
	t.Parallel()
	got, failed := reported(t, "./broken")
	if !failed || !strings.Contains(got, "broken_test.go:3:18: cannot use \"long\"") {
		t.Errorf("failed: %v, printed\n%s", failed, got)
	}
}

func TestAPackageWithoutTestsIsNotSkipped(t *testing.T) {
	t.Parallel()
	const want = "?   \texample/untested\t[no test files]\n"
	if got, failed := reported(t, "./untested"); failed || got != want {
		t.Errorf("failed: %v, printed %q, want %q", failed, got, want)
	}
}
