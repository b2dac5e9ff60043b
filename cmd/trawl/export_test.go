package main_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// line is a record of a URL, as far as an export looks at it.
func line(url, at, worker string) string {
	return fmt.Sprintf("{\"url\":%q,\"outcome\":\"fetched\",\"fetched_at\":\"2026-01-01T00:00:%sZ\",\"worker\":%q}\n", url, at, worker)
}

func TestAnExportHasEachPageOnceAsItWasLast(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, dir := range []string{"crawls/news/earlier-x", "empty", "damaged", "folders/pages-1.jsonl"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.write("crawls/news/pages-a-00001.jsonl", line("http://x/1", "01.000", "a")+line("http://x/2", "05.000", "a")+line("http://x/3", "02.000", "a"))
	s.write("crawls/news/pages-b-00001.jsonl", line("http://x/2", "04.000", "b")+line("http://x/3", "02.001", "b")+line("http://x/3", "02.002", "c"))
	s.write("crawls/news/pages-c-00001.jsonl", line("http://x/4", "09.000", "c")+`{"url":"http://x/1","fetched_at":"2026-01-01T00:00:59`)
	s.write("crawls/news/manifest-a.jsonl", line("http://x/9", "01.000", "a"))
	s.write("crawls/news/earlier-x/pages-a-00001.jsonl", line("http://x/8", "01.000", "a"))
	s.write("a-file", "")
	s.write("damaged/pages-00001.jsonl", line("http://x/1", "01.000", "a")+"{\"url\":\"htt\x00\n"+line("http://x/2", "01.000", "a"))
	want := line("http://x/1", "01.000", "a") + line("http://x/2", "05.000", "a") + line("http://x/3", "02.002", "c") + line("http://x/4", "09.000", "c")
	for _, args := range [][]string{{"export", "crawls/news"}, {"export", "news", "--out", "crawls"}} {
		if end := s.run(args...).exits(done); end.stdout != want {
			t.Errorf("%v prints\n%swant\n%s", args, end.stdout, want)
		}
	}
	end := s.run("export", "damaged").exits(failed, "pages-00001.jsonl, at byte ", "1 lines", `"damaged"`)
	if strings.Count(end.stdout, "\n") != 2 {
		t.Errorf("of a damaged folder there is printed\n%s", end.stdout)
	}
	s.run("export", "olds", "--out", "crawls").exits(usage, `"crawls/olds"`, "is not there")
	s.run("export", "empty").exits(usage, `"empty"`, "no records")
	s.run("export", "a-file").exits(failed, "a-file")
	s.run("export", "folders").exits(usage, `"folders"`, "no records")
	s.run("export").exits(usage)
	s.set("TRAWL_OUT", s.path("crawls"))
	if end := s.run("export", "news").exits(done); end.stdout != want {
		t.Errorf("with TRAWL_OUT there is printed\n%s", end.stdout)
	}
}
