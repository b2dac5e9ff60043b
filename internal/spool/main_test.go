package spool_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/trawlcrawler/trawl/parquet"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/spool"
)

// TestMain runs the tests, or the child process of one of them.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		keepUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// pages returns n pages whose URLs contain the number of the batch and their own number.
func pages(t testing.TB, batch, n int) []*fetched.Result {
	t.Helper()
	results := make([]*fetched.Result, n)
	for i := range results {
		results[i] = page(t, fmt.Sprintf("https://example.com/%d/%d.html", batch, i), "body")
	}
	return results
}

func page(t testing.TB, url, body string) *fetched.Result {
	t.Helper()
	u, err := crawler.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return &fetched.Result{
		Job: "news", Worker: "w1", Entry: queue.Entry{URL: u}, Outcome: crawler.OutcomeFetched,
		Page: &fetched.Page{
			URL: u, Status: 200, Started: time.UnixMilli(1_700_000_000_000),
			Address: netip.MustParseAddrPort("192.0.2.1:80"),
			Header:  http.Header{"Content-Type": {"text/html"}},
			Body: &fetched.Body{Head: []byte(body), Size: int64(len(body)), Digest: sha256.Sum256([]byte(body)),
				Release: func() {}},
			Recording: &fetched.Recording{
				Request: []byte("GET " + u.Path() + " HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Trawl\r\n\r\n"),
				Head: fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n",
					len(body)),
			},
		},
		Document: &fetched.Document{Title: "Title"},
	}
}

// blobStore is a location that can be unavailable, and that records the uploads.
type blobStore struct {
	*output.Location
	mu          sync.Mutex
	unavailable error
	uploaded    []string
}

func (d *blobStore) Put(ctx context.Context, name string, content io.ReadSeeker, size int64) error {
	d.mu.Lock()
	unavailable := d.unavailable
	d.mu.Unlock()
	if unavailable != nil {
		return unavailable
	}
	if err := d.Location.Put(ctx, name, content, size); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.uploaded = append(d.uploaded, name)
	return nil
}

func (d *blobStore) setUnavailable(unavailable error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unavailable = unavailable
}

func (d *blobStore) uploads() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.uploaded)
}

func openBlobStore(t testing.TB, where string) *blobStore {
	t.Helper()
	l, err := output.Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	return &blobStore{Location: l}
}

func openSpool(t testing.TB, d spool.BlobStore, cfg spool.Config) *spool.Spool {
	t.Helper()
	cfg.Mend = mend
	s, err := spool.Open(d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mend(dir, job, writer string) error {
	s, err := sink.Open(sink.Names, dir, sink.Options{Worker: writer, Job: crawler.Job{Name: job}, Scattered: true})
	if err != nil {
		return err
	}
	return s.Close()
}

// openSinks opens guarded sinks on a new staging folder.
func openSinks(t testing.TB, s *spool.Spool, maxAge time.Duration, formats ...string) (spool.Keeper, *spool.Staging) {
	t.Helper()
	staging, err := s.Staging("news", "news", "w1")
	if err != nil {
		t.Fatal(err)
	}
	sinks, err := sink.Open(formats, staging.Dir, sink.Options{
		Worker: staging.Writer, Job: crawler.Job{Name: "news",
			PolitenessSettings: crawler.PolitenessSettings{UserAgent: "Trawl", Contact: "crawl@example.org"}},
		Scattered: true, MaxAge: maxAge, SegmentSize: 64 << 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	return staging.Guard(sinks), staging
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// urlsOf returns the URLs of all records of a kind at a location, and fails the test if a record is
// incomplete.
func urlsOf(t testing.TB, l *output.Location, kind string) map[string]int {
	t.Helper()
	urls := map[string]int{}
	segments, err := l.Segments(context.Background(), kind)
	must(t, err)
	for _, segment := range segments {
		err := l.EachLine(context.Background(), segment, func(_ int64, line []byte) error {
			var rec crawler.Record
			if err := json.Unmarshal(line, &rec); err != nil {
				return fmt.Errorf("%s has a line that is not a record: %.100q: %w", segment, line, err)
			}
			if rec.Path != "" {
				body, err := l.Open(context.Background(), rec.Path)
				if err != nil {
					return err
				}
				if text, err := io.ReadAll(body); err != nil || string(text) != "body" {
					return fmt.Errorf("%s has %q: %w", rec.Path, text, errors.Join(err, body.Close()))
				}
				body.Close()
			}
			urls[rec.URL]++
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	return urls
}

func wantBatches(t testing.TB, got map[string]int, batches, each int) {
	t.Helper()
	for b := range batches {
		for _, r := range pages(t, b, each) {
			if got[r.Entry.URL.String()] == 0 {
				t.Errorf("%s is lost", r.Entry.URL)
			}
		}
	}
	if len(got) != batches*each {
		t.Errorf("%d URLs were uploaded, want %d", len(got), batches*each)
	}
}
