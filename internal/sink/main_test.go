package sink

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/trawlcrawler/trawl/parquet"

	"github.com/klauspost/compress/zstd"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// TestMain runs the tests, or the child process of one of them.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

func parse(t testing.TB, s string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// page is a fetched and recorded page with the URL and the body.
func page(t testing.TB, url, body string) *fetched.Result {
	t.Helper()
	u := parse(t, url)
	return &fetched.Result{
		Job: "test", Worker: "w1", Entry: queue.Entry{URL: u}, Outcome: crawler.OutcomeFetched,
		Page: &fetched.Page{
			URL: u, Status: 200, Started: time.UnixMilli(1_700_000_000_000),
			Address: netip.MustParseAddrPort("192.0.2.1:80"),
			Header:  http.Header{"Content-Type": {"text/html; charset=utf-8"}},
			Body: &fetched.Body{
				Head: []byte(body), Size: int64(len(body)), Digest: sha256.Sum256([]byte(body)), Release: func() {},
			},
			Recording: &fetched.Recording{
				Request: []byte("GET " + u.Path() + " HTTP/1.1\r\nHost: " + string(u.Host()) +
					"\r\nUser-Agent: Trawl\r\n\r\n"),
				Head: fmt.Appendf(nil,
					"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
					len(body)),
			},
		},
		Document: &fetched.Document{
			Title: "A & B", Charset: "utf-8", Links: []rules.Link{{URL: u}},
			Article:    &fetched.Article{Markdown: "This page."},
			References: []fetched.Reference{{URL: u, Text: "This page", Kind: fetched.ReferenceAnchor}},
		},
	}
}

// pages returns n pages whose URLs end in the number of the batch and their own number.
func pages(t testing.TB, batch, n int) []*fetched.Result {
	t.Helper()
	results := make([]*fetched.Result, n)
	for i := range results {
		results[i] = page(t, fmt.Sprintf("http://example.com/%d/%d", batch, i), "body")
	}
	return results
}

func keep(t testing.TB, s Sink, results ...*fetched.Result) {
	t.Helper()
	if err := s.Keep(context.Background(), results); err != nil {
		t.Fatal(err)
	}
}

func closed(t testing.TB, s Sink) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t testing.TB, content string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// records parses complete lines of JSON, and fails the test on anything else.
func records(t testing.TB, text string) []crawler.Record {
	t.Helper()
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Fatalf("the last line is torn: %q", text[max(0, len(text)-100):])
	}
	var recs []crawler.Record
	for line := range bytes.Lines([]byte(text)) {
		var rec crawler.Record
		if err := json.Unmarshal(line, &rec); err != nil {
			t.Fatalf("line %d is not a record: %v: %q", len(recs)+1, err, line)
		}
		recs = append(recs, rec)
	}
	return recs
}

// glob lists the files in a folder that match the pattern, by name.
func glob(t testing.TB, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// kept reads the records of all segments that match the pattern, finished or not, in
// order.
func kept(t testing.TB, dir, pattern string) []crawler.Record {
	t.Helper()
	var recs []crawler.Record
	for _, end := range []string{"", opened} {
		for _, file := range glob(t, dir, pattern+end) {
			recs = append(recs, records(t, unpacked(t, file))...)
		}
	}
	return recs
}

// unpacked decompresses a complete segment according to its name.
func unpacked(t testing.TB, path string) string {
	t.Helper()
	text := read(t, path)
	var plain io.Reader
	var err error
	switch name := strings.TrimSuffix(path, opened); {
	case text == "":
		return ""
	case strings.HasSuffix(name, string(Gzip)):
		plain, err = gzip.NewReader(strings.NewReader(text)) // not the package that wrote it
	case strings.HasSuffix(name, string(Zstandard)):
		plain, err = zstd.NewReader(strings.NewReader(text))
	default:
		return text
	}
	if err == nil {
		var all []byte
		if all, err = io.ReadAll(plain); err == nil {
			return string(all)
		}
	}
	t.Fatalf("%s: %v", path, err)
	return ""
}

// wantOnce fails unless every page of every batch was recorded exactly once.
func wantOnce(t testing.TB, recs []crawler.Record, batches, each int) {
	t.Helper()
	times := map[string]int{}
	for _, rec := range recs {
		times[rec.URL]++
	}
	for b := range batches {
		for i := range each {
			url := fmt.Sprintf("http://example.com/%d/%d", b, i)
			if times[url] != 1 {
				t.Errorf("%s was recorded %d times", url, times[url])
			}
		}
	}
	if len(recs) != batches*each {
		t.Errorf("%d records, want %d", len(recs), batches*each)
	}
}
