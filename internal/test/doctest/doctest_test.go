package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// TestMain runs the tests in the root folder of the module.
func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(testfleet.Main(m))
}

// documents are the files that people read, besides those in docs.
var documents = []string{
	"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
	"bench/README.md", "deploy/README.md", "examples/README.md",
}

// guides returns README.md and the pages in docs.
func guides(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in docs: %v", err)
	}
	return append(pages, "README.md")
}

// read returns the text of a file.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// line is a line of a document.
type line struct {
	number int // from 1
	text   string
	fence  string // the info string of the fence that it is in, "" for prose
	code   bool   // it is in a fence, or is one
}

// lines splits a document, and says which lines are code in fences.
func lines(text string) []line {
	var all []line
	info, inside := "", false
	for i, s := range strings.Split(text, "\n") {
		rest, isFence := strings.CutPrefix(s, "```")
		all = append(all, line{number: i + 1, text: s, fence: info, code: inside || isFence})
		if isFence {
			inside = !inside
			info = ""
			if inside {
				info = strings.TrimSpace(rest)
			}
			all[i].fence = ""
		}
	}
	return all
}

func TestProseIsNarrow(t *testing.T) {
	t.Parallel()
	const most = 100
	for _, name := range guides(t) {
		for _, l := range lines(read(t, name)) {
			exempt := l.code || strings.HasPrefix(l.text, "|") || strings.HasPrefix(l.text, "    ")
			if n := len([]rune(l.text)); n > most && !exempt {
				t.Errorf("%s:%d has %d columns, want at most %d", name, l.number, n, most)
			}
		}
	}
}

func TestTheREADMEIsShort(t *testing.T) {
	t.Parallel()
	text := read(t, "README.md")
	if n := strings.Count(text, "\n"); n > 120 {
		t.Errorf("README.md has %d lines, want at most 120", n)
	}
	for _, command := range []string{"go run ./cmd/trawl crawl ", "make test"} {
		if !strings.Contains(text, "\n    "+command) {
			t.Errorf("README.md does not show the command %q", command)
		}
	}
}

// TestProgramsAreExamples: examples/books is built and run by the test of its page.
func TestProgramsAreExamples(t *testing.T) {
	t.Parallel()
	source := read(t, "examples/books/main.go")
	program := source[strings.Index(source, "package main\n"):]
	for _, name := range []string{"README.md", "docs/first-handler.md"} {
		if !strings.Contains(read(t, name), "```go\n"+program+"```\n") {
			t.Errorf("%s does not show the program of examples/books/main.go", name)
		}
	}
	page := read(t, "docs/everyday.md")
	for _, name := range []string{"download", "queue", "titles"} {
		if script := "bench/python/everyday_" + name +
			".py"; !strings.Contains(page, "```python\n"+read(t, script)+"```\n") {
			t.Errorf("docs/everyday.md does not show %s", script)
		}
	}
}
