package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// usage is the processor time, user and system, of the programs that go test started.
type usage struct {
	links time.Duration            // of linkers
	tests map[string]time.Duration // of test processes by name, with the processes that they waited for
}

// child is a process that go test started.
type child struct {
	program string // "frontier.test", "link"
	dir     string // the folder that it started in, which for a test is that of its package
	took    time.Duration
}

// add adds the children of go test. dir is the folder in which it ran, and how says how it ran the
// tests, such as "with the race detector".
func (u *usage) add(children []child, dir, how string) {
	if u.tests == nil {
		u.tests = make(map[string]time.Duration)
	}
	for _, c := range children {
		switch {
		case c.program == "link":
			u.links += c.took
		case strings.HasSuffix(c.program, ".test"):
			name := strings.TrimPrefix(strings.TrimPrefix(c.dir, dir), "/")
			u.tests[strings.TrimSpace(cmp.Or(name, ".")+" "+how)] += c.took
		}
	}
}

// mostNamed is how many packages the report names.
const mostNamed = 12

// print prints the processor time of the whole run, all, and the packages whose tests took most of
// it. It prints nothing if all is 0, where processor times are not known.
func (u *usage) print(out io.Writer, all time.Duration) {
	if all == 0 {
		return
	}
	var tests time.Duration
	for _, took := range u.tests {
		tests += took
	}
	fmt.Fprintf(out, "\nProcessor time: %s, of which %s to compile, %s to link tests, %s to run them:\n",
		seconds(all), seconds(max(0, all-u.links-tests)), seconds(u.links), seconds(tests))
	names := slices.SortedFunc(maps.Keys(u.tests), func(a, b string) int {
		return cmp.Or(cmp.Compare(u.tests[b], u.tests[a]), strings.Compare(a, b))
	})
	for _, name := range names[:min(len(names), mostNamed)] {
		fmt.Fprintf(out, "  %8s  %s\n", seconds(u.tests[name]), name)
	}
}

// seconds returns a duration in seconds, with one decimal.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
