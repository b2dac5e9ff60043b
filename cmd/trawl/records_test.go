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

// record has the fields of a JSONL line that these tests check.
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
	Fetch     int            `json:"fetch"`
	Change    string         `json:"change"`
}

// parseRecords parses JSONL. Every line must be complete.
func parseRecords(t testing.TB, name, text string) []record {
	t.Helper()
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Errorf("%s ends with a torn line: %.200q", name, text[strings.LastIndexByte(text, '\n')+1:])
	}
	var records []record
	for line := range strings.Lines(text) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Errorf("%s has a line that is not a record: %v: %.200q", name, err, line)
			continue
		}
		records = append(records, r)
	}
	return records
}

// readRecords reads the records of the files in a folder that match a pattern, and of those that
// are still being written.
func readRecords(t testing.TB, dir, pattern string) []record {
	t.Helper()
	texts := segments(t, dir, pattern)
	var records []record
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		records = append(records, parseRecords(t, name, texts[name])...)
	}
	return records
}

// segments reads the files that match a pattern, by their final names, and those that are still
// being written. It looks for the latter first: a file that is finished in between is then found
// under its final name.
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
			if errors.Is(err, fs.ErrNotExist) { // the file was finished in between
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

// counts maps items to the number of times that they occur.
type counts map[string]int

// fetched counts the fetched pages among records, by final URL.
func fetched(records []record) counts {
	n := make(counts)
	for _, r := range records {
		if r.Outcome == "fetched" {
			n[r.FinalURL]++
		}
	}
	return n
}

// outcome counts the records with an outcome, by URL.
func outcome(records []record, outcome string) counts {
	n := make(counts)
	for _, r := range records {
		if r.Outcome == outcome {
			n[r.URL]++
		}
	}
	return n
}

// requestCounts counts the requests for the pages of a site, by URL.
func requestCounts(site *testsite.Site) counts {
	n := make(counts)
	for _, r := range site.Requests() {
		if r.Path != "/robots.txt" {
			n["http://"+r.Host+r.Path]++
		}
	}
	return n
}

// duplicates returns the items that occur more than once.
func (n counts) duplicates() []string {
	var more []string
	for _, what := range slices.Sorted(maps.Keys(n)) {
		if n[what] > 1 {
			more = append(more, what)
		}
	}
	return more
}

// expect checks that exactly the wanted items occur, once or more.
func (n counts) expect(t testing.TB, what string, want map[string]bool) {
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
		t.Errorf("%s: %d of %d are missing: %s; %d are unexpected: %s",
			what, len(missing), len(want), firstFew(missing), len(extra), firstFew(extra))
	}
}

// expectOnce checks that exactly the wanted items occur, once each.
func (n counts) expectOnce(t testing.TB, what string, want map[string]bool) {
	t.Helper()
	n.expect(t, what, want)
	if more := n.duplicates(); len(more) > 0 {
		t.Errorf("%s: %d occur more than once: %s", what, len(more), firstFew(more))
	}
}

// firstFew formats the first of a list of strings.
func firstFew(all []string) string {
	const most = 5
	slices.Sort(all)
	if len(all) > most {
		return fmt.Sprintf("%q and %d more", all[:most], len(all)-most)
	}
	return fmt.Sprintf("%q", all)
}
