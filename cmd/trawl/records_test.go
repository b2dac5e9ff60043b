package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// record is what these tests read of a line of JSONL.
type record struct {
	URL       string         `json:"url"`
	FinalURL  string         `json:"final_url"`
	Redirects []string       `json:"redirects"`
	Status    int            `json:"status"`
	Outcome   string         `json:"outcome"`
	Error     string         `json:"error"`
	Bytes     int64          `json:"bytes"`
	Digest    string         `json:"digest"`
	Title     string         `json:"title"`
	Path      string         `json:"path"`
	Fields    map[string]any `json:"fields"`
}

// parseRecords reads lines, each of which must be whole.
func parseRecords(t testing.TB, name, text string) []record {
	t.Helper()
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Errorf("%s ends with a torn line: %.200q", name, text[strings.LastIndexByte(text, '\n')+1:])
	}
	var records []record
	for line := range strings.Lines(text) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Errorf("%s has a line that is no record: %v: %.200q", name, err, line)
			continue
		}
		records = append(records, r)
	}
	return records
}

// readRecords reads the records of a folder: the files that a pattern names, and
// those that are still written.
func readRecords(t testing.TB, dir, pattern string) []record {
	t.Helper()
	texts := segments(t, dir, pattern)
	var records []record
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		records = append(records, parseRecords(t, name, texts[name])...)
	}
	return records
}

// segments reads the files that a pattern names, by their last names, and those
// that are still written. These are looked for first: one that is finished in
// between is found under its last name.
func segments(t testing.TB, dir, pattern string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, pattern := range []string{pattern + output.Growing, pattern} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			name := strings.TrimSuffix(file, output.Growing)
			text, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) { // it is finished by now
				text, err = os.ReadFile(name)
			}
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	return texts
}

// pages reads the JSONL of a crawl.
func pages(t testing.TB, dir string) []record {
	t.Helper()
	return readRecords(t, dir, "pages-*.jsonl")
}

// count is how often each of some things is there.
type count map[string]int

// fetched counts the pages among records, by the URL that they came from.
func fetched(records []record) count {
	n := make(count)
	for _, r := range records {
		if r.Outcome == "fetched" {
			n[r.FinalURL]++
		}
	}
	return n
}

// outcome counts the URLs of an outcome.
func outcome(records []record, outcome string) count {
	n := make(count)
	for _, r := range records {
		if r.Outcome == outcome {
			n[r.URL]++
		}
	}
	return n
}

// asked counts the requests for pages at a site, by URL.
func asked(site *testsite.Site) count {
	n := make(count)
	for _, r := range site.Requests() {
		if r.Path != "/robots.txt" {
			n["http://"+r.Host+r.Path]++
		}
	}
	return n
}

// twice returns what is there more than once.
func (n count) twice() []string {
	var more []string
	for _, what := range slices.Sorted(maps.Keys(n)) {
		if n[what] > 1 {
			more = append(more, what)
		}
	}
	return more
}

// expect checks that exactly what is wanted is there, however often.
func (n count) expect(t testing.TB, what string, want map[string]bool) {
	t.Helper()
	var missing, extra []string
	for one := range want {
		if n[one] == 0 {
			missing = append(missing, one)
		}
	}
	for one := range n {
		if !want[one] {
			extra = append(extra, one)
		}
	}
	if len(missing) > 0 || len(extra) > 0 {
		t.Errorf("%s: %d of %d are missing: %s; %d are too many: %s",
			what, len(missing), len(want), some(missing), len(extra), some(extra))
	}
}

// expectOnce checks that exactly what is wanted is there, once each.
func (n count) expectOnce(t testing.TB, what string, want map[string]bool) {
	t.Helper()
	n.expect(t, what, want)
	if more := n.twice(); len(more) > 0 {
		t.Errorf("%s: %d are there more than once: %s", what, len(more), some(more))
	}
}

// some shows the first of many.
func some(all []string) string {
	const most = 5
	slices.Sort(all)
	if len(all) > most {
		return fmt.Sprintf("%q and %d more", all[:most], len(all)-most)
	}
	return fmt.Sprintf("%q", all)
}
