package export_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// pageFormats are the formats that an export can read pages from, alone and together.
var pageFormats = [][]string{
	{"jsonl"}, {"jsonl.gz"}, {"jsonl.zst"}, {"files"}, {"markdown"}, {"parquet"}, {"warc"}, {sink.FormatMirror},
	{"parquet", "warc"}, {"links", "parquet"}, {"items", "warc"},
}

// keptPages writes n pages in batches of three, and returns the unfinished writer.
func keptPages(t testing.TB, dir, worker string, formats []string, n int) sink.Sink {
	t.Helper()
	s, err := sink.Open(formats, dir, sink.Options{Worker: worker, Job: crawler.Job{Name: "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var batch []*fetched.Result
	for i := range n {
		if batch = append(batch,
			fetchedPage(t, fmt.Sprintf("http://shop.example/%s/%d", worker, n-i))); len(batch) == 3 || i == n-1 {
			if err := s.Keep(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
	}
	return s
}

func fetchedPage(t testing.TB, url string) *fetched.Result {
	t.Helper()
	u, err := crawler.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	body := "<title>a page</title>" + url
	return &fetched.Result{
		Job: "shop", Worker: "w", Entry: queue.Entry{URL: u}, Outcome: crawler.OutcomeFetched, At: noon,
		Page: &fetched.Page{
			URL: u, Status: 200, Started: noon, Duration: time.Millisecond,
			Header: http.Header{"Content-Type": {"text/html"}},
			Body:   &fetched.Body{Head: []byte(body), Size: int64(len(body)), Release: func() {}},
			Recording: &fetched.Recording{
				Request: []byte("GET / HTTP/1.1\r\n\r\n"),
				Head:    []byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"),
			},
		},
		Document: &fetched.Document{Title: "a page", Fields: map[string]any{"price": json.Number("12.50")},
			Article: &fetched.Article{Markdown: "A page."}},
	}
}

// exportedURLs exports a crawl and counts how often each URL occurs.
func exportedURLs(t testing.TB, c *export.Crawl) map[string]int {
	t.Helper()
	text, _ := mustExport(t, c, order(t, "jsonl", ""))
	urls := make(map[string]int)
	for line := range strings.Lines(text) {
		var r crawler.Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		urls[r.URL]++
	}
	return urls
}

// wantPages checks that pages 1 to n of each worker are exported once each.
func wantPages(t testing.TB, urls map[string]int, n int, workers ...string) {
	t.Helper()
	for _, w := range workers {
		for i := range n {
			if url := fmt.Sprintf("http://shop.example/%s/%d", w, i+1); urls[url] != 1 {
				t.Errorf("%s is exported %d times", url, urls[url])
			}
		}
	}
	if len(urls) != n*len(workers) {
		t.Errorf("%d pages are exported, want %d", len(urls), n*len(workers))
	}
}

func TestAnExportHasThePagesOfALiveWriter(t *testing.T) {
	t.Parallel()
	for _, formats := range pageFormats {
		t.Run(strings.Join(formats, "+"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			keptPages(t, dir, "w1", formats, 10)
			keptPages(t, dir, "w2", formats, 10)
			c := open(t, dir)
			defer c.Close()
			wantPages(t, exportedURLs(t, c), 10, "w1", "w2")
		})
	}
}

func TestAnExportIsTheSameIfItsWriterFinishesDuringIt(t *testing.T) {
	t.Parallel()
	for _, formats := range pageFormats {
		t.Run(strings.Join(formats, "+"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := keptPages(t, dir, "w1", formats, 10)
			c := open(t, dir)
			defer c.Close()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			wantPages(t, exportedURLs(t, c), 10, "w1")
		})
	}
}

// tornEnds are texts that a killed process may leave after the last complete batch.
var tornEnds = map[string]string{
	"nothing": "", "a torn line": `{"url":"http://shop.example/torn","fet`, "zeros": strings.Repeat("\x00", 4096),
	"a byte": "\x1f",
}

func TestAnExportHasThePagesOfAKilledWriter(t *testing.T) {
	t.Parallel()
	for _, formats := range pageFormats {
		for name, tear := range tornEnds {
			t.Run(strings.Join(formats, "+")+", "+name, func(t *testing.T) {
				t.Parallel()
				live, dir := t.TempDir(), t.TempDir()
				keptPages(t, live, "w1", formats, 10)
				copyAsKilled(t, live, dir, tear)
				c := open(t, dir)
				defer c.Close()
				wantPages(t, exportedURLs(t, c), 10, "w1")
			})
		}
	}
}

// copyAsKilled copies the files of a live writer as a killed process would leave them.
func copyAsKilled(t testing.TB, from, to, tear string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		text := read(t, path)
		if strings.HasSuffix(path, ".open") {
			text += tear
		}
		name, err := filepath.Rel(from, path)
		if err == nil {
			write(t, to, filepath.ToSlash(name), text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnArchiveWithoutAnIndexIsExportedCompletely(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"its index is gone":   os.Remove,
		"its index is empty":  func(path string) error { return os.Truncate(path, 0) },
		"its index has zeros": func(path string) error { return os.WriteFile(path, make([]byte, 200), 0o644) },
		"its index has a line": func(path string) error {
			return os.WriteFile(path, []byte("example,shop)/ 2026\n"), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live, dir := t.TempDir(), t.TempDir()
			keptPages(t, live, "w1", []string{"warc"}, 10)
			copyAsKilled(t, live, dir, "")
			indexes, err := filepath.Glob(filepath.Join(dir, "*.cdxj.open"))
			if err != nil || len(indexes) != 1 {
				t.Fatalf("the indexes are %q, %v", indexes, err)
			}
			if err := spoil(indexes[0]); err != nil {
				t.Fatal(err)
			}
			c := open(t, dir)
			defer c.Close()
			wantPages(t, exportedURLs(t, c), 10, "w1")
			to := filepath.Join(t.TempDir(), "out.warc.gz")
			if _, sum := mustExport(t, c, order(t, "warc", to)); sum.Written != 10 {
				t.Errorf("%d pages are written as WARC, want 10", sum.Written)
			}
		})
	}
}
