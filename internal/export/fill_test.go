package export_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/export"
)

// unchanged is the record of a page that has not changed since a record in an output.
func unchanged(url, at, output, since string) string {
	return page(url, at, `"outcome":"not_modified","status":304,"title":"","depth":2,"same_as":{"url":"`+url+
		`","fetched_at":"2026-11-`+since+`Z","job":"news-1","output":"`+output+`","digest":"sha256:a"}`)
}

// runs are the outputs of two runs, and of results that were set aside in the second one.
func runs(t *testing.T) (second *export.Crawl) {
	dir := t.TempDir()
	write(t, dir, "news-1/pages-00001.jsonl",
		page("http://x/1", "01T00:00:01.000", `"title":"one","depth":0,"fields":{"n":1.50},"path":"files/1"`)+
			page("http://x/2", "01T00:00:02.000", `"title":"two"`)+
			page("http://x/2", "01T00:00:09.000", `"title":"later"`))
	write(t, dir, "news-2/earlier-20261101T000000.000Z/pages-00001.jsonl",
		page("http://x/3", "01T00:00:03.000", `"title":"three"`))
	write(t, dir, "news-2/pages-00001.jsonl", unchanged("http://x/1", "02T00:00:01.000", "news-1", "01T00:00:01.000")+
		unchanged("http://x/2", "02T00:00:02.000", "news-1", "01T00:00:02.000")+
		unchanged("http://x/3", "02T00:00:03.000", "earlier-20261101T000000.000Z", "01T00:00:03.000")+
		page("http://x/4", "02T00:00:04.000", `"title":"four"`))
	return open(t, filepath.Join(dir, "news-2"))
}

func TestRecordsOfPagesThatHaveNotChangedAreFilledIn(t *testing.T) {
	t.Parallel()
	o := order(t, "jsonl", "", "url", "title", "outcome", "status", "fetched_at", "depth", "fields.n", "path",
		"same_as.output")
	o.Fill = true
	got, _ := mustExport(t, runs(t), o)
	for _, want := range []string{
		`"url":"http://x/1","title":"one","outcome":"not_modified","status":304,"fetched_at":"2026-11-02T00:00:01.000Z","depth":2`,
		`1.50`, `"title":"two"`, `"title":"three"`, `"title":"four"`, `"news-1"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the export lacks %s:\n%s", want, got)
		}
	}
	for _, never := range []string{"later", "files/1"} {
		if strings.Contains(got, never) {
			t.Errorf("the export has %s:\n%s", never, got)
		}
	}
}

func TestConditionsSeeWhatWasFilledIn(t *testing.T) {
	t.Parallel()
	o := order(t, "jsonl", "", "url")
	o.Fill, o.Where = true, where(t, "title=two")
	if got, sum := mustExport(t, runs(t), o); sum.Written != 1 || !strings.Contains(got, "http://x/2") {
		t.Errorf("exported %s", got)
	}
}

func TestAnExportSaysWhichOutputIsMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "pages-00001.jsonl", unchanged("http://x/1", "02T00:00:01.000", "news-1", "01T00:00:01.000"))
	o := order(t, "jsonl", "")
	o.Fill = true
	wantRefused(t, open(t, dir), o, "news-1", "cannot be found")
}
