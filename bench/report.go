package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// report is a run, written down.
type report struct {
	date    time.Time
	machine string
	load    string // the load average at the start and at the end
	tools   string
	rounds  int
	corpora []corpus
	names   []string // of contestants
	absent  []string // why others are not there
	truths  map[string]truth
	trials  trials
}

// markdown is the report for README.md.
func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s; %s. Load average %s. Medians of %d %s.\n",
		r.date.Format("2 January 2006"), r.machine, r.tools, r.load, r.rounds, plural(r.rounds, "round"))
	for _, c := range r.corpora {
		found := r.truths[c.name]
		fmt.Fprintf(&b, "\n### %s: %d pages, %.0f MB\n\n%s", c.name, len(found.pages), float64(found.bytes)/1e6,
			r.trials.table(c.name, r.names))
	}
	if told := append(r.trials.failures(), r.absent...); len(told) > 0 {
		b.WriteString("\nWithout figures:\n\n")
		for _, line := range told {
			fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(line, "\n", " "))
		}
	}
	return b.String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// writeInto puts a text between the marks of that name in a file, in place of
// the one that was there.
func writeInto(path, name, report string) error {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the %s: it needs the lines %q and %q", path, name, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+"\n"+report+"\n"+end+after), 0o644)
}
