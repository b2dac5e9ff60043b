package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/test/race"
)

// event is a line of go test -json (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string // "" for the package itself
	Output  string
}

// test names a test of a package.
type test struct{ pkg, name string }

// report prints the events of go test as go test prints them without -json and -v: one line for
// each package, and the output of failing tests.
type report struct {
	out   io.Writer
	said  map[string]map[string]string // output of each test of a package that has not ended
	skip  map[string][]test            // skipped tests by reason
	usage usage
}

func newReport(out io.Writer) *report {
	return &report{out: out, said: make(map[string]map[string]string), skip: make(map[string][]test)}
}

// read reads all events. It prints a line that is not an event as it is.
func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				r.take(e)
			} else {
				r.print(string(line))
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the output of go test: %w", err)
		}
	}
}

// take processes one event.
func (r *report) take(e event) {
	tests := r.said[e.Package]
	if tests == nil {
		tests = make(map[string]string)
		r.said[e.Package] = tests
	}
	switch e.Action {
	case "build-output":
		r.print(e.Output)
	case "output":
		tests[e.Test] += e.Output
	case "pass", "skip", "fail":
		if e.Test == "" {
			r.ended(e)
			return
		}
		if e.Action == "skip" {
			why := reason(tests[e.Test])
			r.skip[why] = append(r.skip[why], test{e.Package, e.Test})
		}
		if e.Action != "fail" {
			delete(tests, e.Test)
		}
	}
}

// ended prints the result of a package that has ended: the output of its failing tests, and of
// those that had not ended when it did.
func (r *report) ended(e event) {
	tests := r.said[e.Package]
	delete(r.said, e.Package)
	own := tests[""]
	delete(tests, "")
	if e.Action != "fail" {
		r.print(verdict(own))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		r.print(tests[name])
	}
	r.print(own)
}

// verdict returns the last line of a package's output: "ok", its path and its duration.
func verdict(said string) string {
	lines := slices.Collect(strings.Lines(said))
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

func (r *report) print(text string) { io.WriteString(r.out, text) }

var (
	// frames matches the lines that the testing package itself prints around a test.
	frames = regexp.MustCompile(`(?m)^\s*(=== |--- SKIP).*\n`)
	// place matches the position at which a test was skipped.
	place = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)
)

// reason returns why a test was skipped: the last line of its output.
func reason(said string) string {
	lines := strings.Split(strings.TrimSpace(frames.ReplaceAllString(said, "")), "\n")
	last := len(lines) - 1
	for last > 0 && !place.MatchString(lines[last]) {
		last--
	}
	why := place.ReplaceAllString(strings.Join(lines[last:], " "), "")
	if why == "" {
		return "no reason is given"
	}
	return strings.Join(strings.Fields(why), " ")
}

// again returns the names of the tests that skipped themselves because of the race detector, and
// their packages, and forgets that they were skipped.
func (r *report) again() (names, packages []string) {
	for _, t := range r.skip[race.Elsewhere] {
		name, _, _ := strings.Cut(t.name, "/") // a test runs with all its parts
		names, packages = append(names, name), append(packages, t.pkg)
	}
	delete(r.skip, race.Elsewhere)
	return unique(names), unique(packages)
}

// unique sorts and removes what is there twice.
func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// skipped prints why tests were skipped, the most frequent reason first.
func (r *report) skipped() {
	if len(r.skip) == 0 {
		return
	}
	reasons := slices.SortedFunc(maps.Keys(r.skip), func(a, b string) int {
		if n := len(r.skip[b]) - len(r.skip[a]); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	fmt.Fprintln(r.out, "\nSkipped:")
	for _, why := range reasons {
		fmt.Fprintf(r.out, "  %s (%s)\n", why, count(r.skip[why]))
	}
}

// count returns the number of tests, or the name of the only one.
func count(tests []test) string {
	if len(tests) == 1 {
		return tests[0].name
	}
	return fmt.Sprintf("%d tests, such as %s", len(tests), tests[0].name)
}
