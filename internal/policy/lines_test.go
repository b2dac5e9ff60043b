package policy

import (
	"go/scanner"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Limits on lines, in characters, where a tab is one.
const (
	maxLine = 120
	// longText is the length from which a string excuses its line: to break a message or a
	// sample would make it harder to read, and to search for.
	longText = 60
)

// longLines returns the numbers of the lines of a Go file that are longer than maxLine, except
// those with a long string, and those within a string of several lines.
func longLines(source []byte) (long []int) {
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	excused := make(map[int]bool)
	for pos, tok, text := s.Scan(); tok != token.EOF; pos, tok, text = s.Scan() {
		first := file.Line(pos)
		if tok != token.STRING || !strings.Contains(text, "\n") && utf8.RuneCountInString(text) < longText {
			continue
		}
		for line := range 1 + strings.Count(text, "\n") {
			excused[first+line] = true
		}
	}
	for i, line := range strings.Split(string(source), "\n") {
		if utf8.RuneCountInString(line) > maxLine && !excused[i+1] {
			long = append(long, i+1)
		}
	}
	return long
}

func TestLinesOfCodeAreNotTooLong(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		text, err := os.ReadFile(s.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range longLines(text) {
			t.Errorf("%s:%d is longer than %d characters: break it", s.file, line, maxLine)
		}
	}
}

func TestOnlyALongStringExcusesALongLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine)
	source := "package p\n\n// " + long + "\nvar a = `" + long + "`\n\nvar " + long + " = 1\n\nvar b = `\n" + long +
		"y\n`\n\nvar c = \"short\" // " + long + "\n"
	if diff := cmp.Diff([]int{3, 6, 12}, longLines([]byte(source))); diff != "" {
		t.Errorf("long lines (-want +got):\n%s\nof %v", diff, slices.Collect(strings.Lines(source)))
	}
}
