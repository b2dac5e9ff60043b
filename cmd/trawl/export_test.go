package main_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"testing"
)

// recordLine returns a record with the fields that an export reads.
func recordLine(url, at, worker string) string {
	return fmt.Sprintf("{\"url\":%q,\"outcome\":\"fetched\",\"fetched_at\":\"2026-01-01T00:00:%sZ\",\"worker\":%q}\n",
		url, at, worker)
}

func TestAnExportHasTheLatestRecordOfEachPage(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, dir := range []string{"crawls/news/earlier-x", "empty", "damaged", "folders/pages-1.jsonl"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.write("crawls/news/pages-a-00001.jsonl", recordLine("http://x/1", "01.000", "a")+
		recordLine("http://x/2", "05.000", "a")+recordLine("http://x/3", "02.000", "a"))
	s.write("crawls/news/pages-b-00001.jsonl", recordLine("http://x/2", "04.000", "b")+
		recordLine("http://x/3", "02.001", "b")+recordLine("http://x/3", "02.002", "c"))
	s.write("crawls/news/pages-c-00001.jsonl.open",
		recordLine("http://x/4", "09.000", "c")+`{"url":"http://x/1","fetched_at":"2026-01-01T00:00:59`)
	s.write("crawls/news/manifest-a.jsonl", recordLine("http://x/9", "01.000", "a"))
	s.write("crawls/news/earlier-x/pages-a-00001.jsonl", recordLine("http://x/8", "01.000", "a"))
	s.write("a-file", "")
	s.write("damaged/pages-00001.jsonl", recordLine("http://x/1", "01.000", "a")+"{\"url\":\"htt\x00\n"+
		recordLine("http://x/2", "01.000", "a"))
	want := recordLine("http://x/1", "01.000", "a") + recordLine("http://x/2", "05.000", "a") +
		recordLine("http://x/3", "02.002", "c") + recordLine("http://x/4", "09.000", "c")
	for _, args := range [][]string{{"export", "crawls/news"}, {"export", "news", "--out", "crawls"}} {
		if end := s.run(args...).exits(done); end.stdout != want {
			t.Errorf("%v prints\n%swant\n%s", args, end.stdout, want)
		}
	}
	end := s.run("export", "damaged").exits(failed, "pages-00001.jsonl, at byte ", "1 line is damaged", `"damaged"`)
	if strings.Count(end.stdout, "\n") != 2 {
		t.Errorf("the export of a damaged folder prints\n%s", end.stdout)
	}
	s.run("export", "olds", "--out", "crawls").exits(usage, `"crawls/olds"`, "does not exist")
	s.run("export", "empty").exits(usage, `"empty"`, "no records")
	s.run("export", "a-file").exits(failed, "a-file")
	s.run("export", "folders").exits(usage, `"folders"`, "no records")
	s.run("export").exits(usage)
	s.set("TRAWL_OUT", s.path("crawls"))
	if end := s.run("export", "news").exits(done); end.stdout != want {
		t.Errorf("with TRAWL_OUT, trawl prints\n%s", end.stdout)
	}
}

func TestTruncatedFilesAreReportedAndTheRestIsRead(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if err := os.MkdirAll(s.path("cut"), 0o755); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	for i := range 200 {
		fmt.Fprint(zip, recordLine(fmt.Sprintf("http://x/%d", i), "01.000", fmt.Sprint(i*i*7919)))
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	s.write("cut/pages-a-00001.jsonl", recordLine("http://x/1", "01.000", "a")+
		recordLine("http://x/900", "05.000", "a")+`{"url":"http://x/901`)
	s.write("cut/pages-b-00001.jsonl.gz", packed.String()[:packed.Len()*3/4])
	s.write("cut/pages-c-00001.parquet", "PAR1 and no more")
	end := s.run("export", "cut").exits(failed, "pages-a-00001.jsonl", "pages-b-00001.jsonl.gz", "2 files are damaged")
	if n := strings.Count(end.stdout, "\n"); n < 100 || n > 200 || !strings.Contains(end.stdout, "http://x/900") {
		t.Errorf("%d lines are exported", n)
	}
	s.run("export", "cut", "--to", "whole.jsonl").exits(failed, "pages-b-00001.jsonl.gz", "whole.jsonl")
	if text, err := os.ReadFile(s.path("whole.jsonl")); err != nil || string(text) != end.stdout {
		t.Errorf("a file has %d bytes (%v), standard output had %d", len(text), err, len(end.stdout))
	}
	s.run("diff", "cut", "cut").exits(failed, "pages-a-00001.jsonl", "pages-b-00001.jsonl.gz",
		"0 new, 0 changed, 0 gone, 0 moved")
	s.run("audit", "cut").exits(usage, "no request journal")
	s.write("cut/requests-a-00001.jsonl",
		`{"url":"http://x/1","start":"2026-01-01T00:00:01.000000Z","robots":"ignored","worker":"a"}`+"\nnothing\n"+
			`{"url":`)
	end = s.run("audit", "cut").exits(failed, "2 parts of the journals")
	if !strings.Contains(end.stdout, "requests-a-00001.jsonl, at byte") ||
		!strings.Contains(end.stdout, "1, from 2026-01-01") {
		t.Errorf("the audit says\n%s", end.stdout)
	}
}
