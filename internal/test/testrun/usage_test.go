package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheReportNamesThePackagesWithTheMostProcessorTime(t *testing.T) {
	t.Parallel()
	var u usage
	u.add([]child{
		{"link", "/m", 2 * time.Second},
		{"compile", "/m", time.Minute}, // known from the time of all
		{"a.test", "/m/internal/a", 3 * time.Second},
		{"m.test", "/m", 1500 * time.Millisecond},
	}, "/m", "with the race detector")
	u.add([]child{{"link", "/m", time.Second}, {"a.test", "/m/internal/a", 4 * time.Second}}, "/m", "")
	const want = `
Processor time: 60.0 s, of which 48.5 s to compile, 3.0 s to link tests, 8.5 s to run them:
     4.0 s  internal/a
     3.0 s  internal/a with the race detector
     1.5 s  . with the race detector
`
	var out strings.Builder
	if u.print(&out, time.Minute); out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTheReportNamesADozenPackages(t *testing.T) {
	t.Parallel()
	var u usage
	for n := range mostNamed + 3 {
		u.add([]child{{"p.test", "/m/" + string(rune('a'+n)), time.Duration(n) * time.Second}}, "/m", "")
	}
	var out strings.Builder
	u.print(&out, time.Hour)
	if n := strings.Count(out.String(), " s  "); n != mostNamed {
		t.Errorf("%d packages are named in\n%s", n, out.String())
	}
}

func TestNothingIsPrintedWhereProcessorTimesAreNotKnown(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if new(usage).print(&out, 0); out.Len() > 0 {
		t.Errorf("printed %q", out.String())
	}
}
