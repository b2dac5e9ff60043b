package testfleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// Export returns the records of a job as trawl export prints them: one for each URL.
func (f *Fleet) Export(job string) []crawler.Record {
	f.t.Helper()
	path, err := Binary(false)
	if err != nil {
		f.t.Fatal(err)
	}
	cmd := exec.CommandContext(Patience(f.t), path, "export", job, "--out", f.Out)
	cmd.Env = f.env
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	text, err := cmd.Output()
	if err != nil {
		f.t.Fatalf("export job %s: %v\n%s", job, err, trouble.String())
	}
	return f.parse("the export", text)
}

// Kept returns all records of a job that its workers wrote, including several for a URL
// that was fetched more than once.
func (f *Fleet) Kept(job string) []crawler.Record {
	f.t.Helper()
	root, err := output.Open(f.t.Context(), f.Out)
	if err != nil {
		f.t.Fatal(err)
	}
	defer root.Close()
	in := root.In(job)
	segments, err := in.Segments(f.t.Context(), "pages")
	if err != nil && !errors.Is(err, output.ErrMissing) {
		f.t.Fatal(err)
	}
	var records []crawler.Record
	for _, segment := range segments {
		err := in.EachLine(f.t.Context(), segment, func(_ int64, line []byte) error {
			records = append(records, f.parse(segment, line)...)
			return nil
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return records
}

func (f *Fleet) parse(name string, text []byte) []crawler.Record {
	f.t.Helper()
	var records []crawler.Record
	for line := range bytes.Lines(text) {
		var r crawler.Record
		if err := json.Unmarshal(line, &r); err != nil {
			f.t.Fatalf("%s has a line that is not a record: %v: %.200q", name, err, line)
		}
		records = append(records, r)
	}
	return records
}

// Count is how often each URL occurs.
type Count map[string]int

// Pages counts the pages among records by their final URL.
func Pages(records []crawler.Record) Count {
	n := make(Count)
	for _, r := range records {
		if r.Outcome == crawler.OutcomeFetched {
			n[r.FinalURL]++
		}
	}
	return n
}

// Asked counts the requests for pages at a site by URL.
func Asked(site *testsite.Site) Count {
	return requestsFor(site, func(testsite.Request) bool { return true })
}

// Served counts the requests for pages whose responses their clients did not give up, as they do when
// a site holds a page for longer than a request may take.
func Served(site *testsite.Site) Count {
	return requestsFor(site, func(r testsite.Request) bool { return !r.Left })
}

func requestsFor(site *testsite.Site, counts func(testsite.Request) bool) Count {
	n := make(Count)
	for _, r := range site.Requests() {
		if r.Path != "/robots.txt" && counts(r) {
			n["http://"+r.Host+r.Path]++
		}
	}
	return n
}

// Again returns the total number of repetitions.
func (n Count) Again() int {
	again := 0
	for _, times := range n {
		again += times - 1
	}
	return again
}

// Most returns the largest count.
func (n Count) Most() int { return slices.Max(append(slices.Collect(maps.Values(n)), 0)) }

// Expect fails the test unless exactly the wanted keys are present, regardless of their
// counts. It returns how many are missing.
func (n Count) Expect(t testing.TB, what string, want map[string]bool) (missing int) {
	t.Helper()
	var lost, extra []string
	for one := range want {
		if n[one] == 0 {
			lost = append(lost, one)
		}
	}
	for one := range n {
		if !want[one] {
			extra = append(extra, one)
		}
	}
	if len(lost) > 0 || len(extra) > 0 {
		t.Errorf("%s: %d of %d are missing: %s; %d are unexpected: %s",
			what, len(lost), len(want), some(lost), len(extra), some(extra))
	}
	return len(lost)
}

// some joins the first few of many.
func some(all []string) string {
	const most = 5
	slices.Sort(all)
	if len(all) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], " "), len(all)-most)
	}
	return strings.Join(all, " ")
}
