package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// evidence is what a crawl left behind.
type evidence struct {
	fetched map[string]int // how often a GET was answered 200, by key
	written map[string]int // how many records with the status 200 there are, by key; nil if the crawler writes none
}

// readLog reads the access log of a site.
func readLog(path string) (map[string]int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	fetched := make(map[string]int)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.SplitN(lines.Text(), " ", 3)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s: %q is no line of it", path, lines.Text())
		}
		if fields[0] == http.MethodGet && fields[1] == "200" {
			fetched[key(fields[2])]++
		}
	}
	return fetched, nil
}

// readRecords reads what a crawler wrote: files of JSON lines with "status", and
// "url" or, for where redirects led, "final_url" in them.
func readRecords(glob string) (map[string]int, error) {
	files, err := filepath.Glob(glob)
	if err != nil {
		return nil, err
	}
	written := make(map[string]int)
	for _, name := range files {
		if err := addRecords(written, name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return written, nil
}

func addRecords(written map[string]int, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := json.NewDecoder(bufio.NewReaderSize(file, 1<<20))
	for {
		var record struct {
			URL    string `json:"url"`
			Final  string `json:"final_url"`
			Status int    `json:"status"`
		}
		switch err := lines.Decode(&record); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case record.Status != http.StatusOK:
			continue
		}
		u, err := url.Parse(cmp.Or(record.Final, record.URL))
		if err != nil {
			return err
		}
		written[key(u.RequestURI())]++
	}
}

// verdict compares a crawl with the truth.
type verdict struct {
	pages   int // of the truth that were fetched, and written if the crawler writes
	missed  int
	twice   int // requests, or records, for what had been had already
	further int // what was fetched besides: not reachable by links, such as style sheets
}

func (t truth) judge(e evidence) (v verdict) {
	for page := range t.pages {
		if e.fetched[page] > 0 && (e.written == nil || e.written[page] > 0) {
			v.pages++
		}
	}
	v.missed = len(t.pages) - v.pages
	for page, n := range e.fetched {
		v.twice += max(n, e.written[page]) - 1
		if !t.pages[page] {
			v.further++
		}
	}
	return v
}
