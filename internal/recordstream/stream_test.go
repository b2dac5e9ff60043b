package recordstream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recordstream"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// places are where the workers of all jobs say that they keep pages.
type places []queue.Kept

func (p places) Places(context.Context, string) ([]queue.Kept, error) { return p, nil }

// job returns a job with a format.
func job(format string) crawler.Status {
	j := crawler.DefaultJob()
	j.Name, j.Format = "news", []string{format}
	return crawler.Status{Job: j, Created: time.UnixMilli(1_700_000_000_000)}
}

// result is a URL that failed.
func result(t testing.TB, worker string, n int) *fetched.Result {
	t.Helper()
	u, err := crawler.ParseURL(fmt.Sprintf("http://example.com/%s/%d", worker, n))
	if err != nil {
		t.Fatal(err)
	}
	return &fetched.Result{Job: "news", Worker: worker, Entry: queue.Entry{URL: u}, Outcome: crawler.OutcomeFailed,
		Reason: "lost"}
}

// reader reads a stream page by page and counts the records by their URLs.
type reader struct {
	t      testing.TB
	stream *recordstream.Stream
	job    crawler.Status
	cursor string
	urls   map[string]int
}

func newReader(t testing.TB, s *recordstream.Stream, job crawler.Status) *reader {
	return &reader{t: t, stream: s, job: job, urls: make(map[string]int)}
}

// page reads at most some records, and returns whether there may be more.
func (r *reader) page(limit int) bool {
	r.t.Helper()
	n := 0
	next, more, err := r.stream.Read(r.t.Context(), r.job, r.cursor, func(line []byte) (bool, error) {
		var record struct{ URL string }
		if err := json.Unmarshal(line, &record); err != nil || record.URL == "" {
			r.t.Errorf("a line is not a record: %v: %.100q", err, line)
		}
		r.urls[record.URL]++
		n++
		return n < limit, nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if n > limit {
		r.t.Errorf("a page has %d records, want at most %d", n, limit)
	}
	r.cursor = next
	return more
}

// rest reads until there is nothing more.
func (r *reader) rest() {
	r.t.Helper()
	for r.page(7) {
	}
}

// wantOnce checks that all records of some writers were read, each once.
func (r *reader) wantOnce(records int, writers ...string) {
	r.t.Helper()
	want := make(map[string]int)
	for _, w := range writers {
		for n := range records {
			want[fmt.Sprintf("http://example.com/%s/%d", w, n)] = 1
		}
	}
	if diff := cmp.Diff(want, r.urls); diff != "" {
		r.t.Errorf("records (-want +read):\n%s", diff)
	}
}

func TestEachRecordIsReadOnceWhileItsFilesGrowAndAreFinished(t *testing.T) {
	t.Parallel()
	for format, coding := range map[string]struct {
		compression sink.Compression
		full        int64 // bytes of a file
	}{"jsonl": {sink.Uncompressed, 15_000}, "jsonl.gz": {sink.Gzip, 1500}, "jsonl.zst": {sink.Zstandard, 1500}} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := recordstream.New(places{{Worker: "a", Machine: "here", Where: dir}, {Worker: "b", Machine: "here", Where: dir}},
				recordstream.Config{Machine: "here"})
			r := newReader(t, s, job(format))
			if r.page(7) || r.cursor == "" {
				t.Errorf("before there are records, there may be more, or the cursor is %q", r.cursor)
			}
			writers := make(map[string]*sink.JSONL)
			open := func(name string) {
				var err error
				writers[name], err = sink.NewJSONL(sink.JSONLConfig{Dir: dir, Worker: name, Compression: coding.compression,
					SegmentSize: coding.full})
				if err != nil {
					t.Fatal(err)
				}
			}
			open("a")
			open("b")
			const batches, batch = 60, 5
			for n := range batches {
				for _, name := range []string{"a", "b"} {
					var results []*fetched.Result
					for i := range batch {
						results = append(results, result(t, name, n*batch+i))
					}
					if err := writers[name].Keep(t.Context(), results); err != nil {
						t.Fatal(err)
					}
				}
				r.page(7) // slower than the writers
				if n == batches/2 {
					if err := writers["a"].Close(); err != nil {
						t.Fatal(err)
					}
					open("a")
					r.rest()
				}
			}
			for _, w := range writers {
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			r.rest()
			r.wantOnce(batches*batch, "a", "b")
			if files, _ := filepath.Glob(filepath.Join(dir, "pages-*")); len(files) < 10 {
				t.Errorf("the records are in %d files, too few to test that files follow one another", len(files))
			}
			if len(r.cursor) > 4<<10 {
				t.Errorf("the cursor has %d bytes", len(r.cursor))
			}
			r.page(7)
			r.wantOnce(batches*batch, "a", "b")
		})
	}
}

// segment returns the name of a segment that a worker shipped, and its content.
func segment(t testing.TB, worker string, n, records int) (name string, lines []byte) {
	t.Helper()
	var text bytes.Buffer
	for i := range records {
		record := result(t, worker, n*records+i).Record(false)
		line, err := record.JSON()
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(line, '\n'))
	}
	began := time.UnixMilli(1_700_000_000_000).UTC().Add(time.Duration(n) * time.Minute)
	return fmt.Sprintf("pages-%s-%s-%06x-00001.jsonl", worker, began.Format("20060102T150405"), n*7919), text.Bytes()
}

// bucket is a bucket that segments arrive in.
type bucket struct {
	t   testing.TB
	dir string
	at  *output.Location
}

func newBucket(t testing.TB) (b bucket, where string) {
	t.Helper()
	dir := t.TempDir()
	where = "file://" + dir
	at, err := output.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { at.Close() })
	return bucket{t, dir, at}, where
}

func (b bucket) ship(worker string, n, records int) {
	b.t.Helper()
	name, text := segment(b.t, worker, n, records)
	path := filepath.Join(b.dir, "news", name)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644))
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestEachRecordIsReadOnceWhileSegmentsArriveInABucket(t *testing.T) {
	t.Parallel()
	b, where := newBucket(t)
	r := newReader(t, recordstream.New(nil, recordstream.Config{Out: where}), job("jsonl"))
	const segments, records = 120, 10
	for n := range segments {
		for _, worker := range []string{"a", "a-1"} { // one name begins with the other
			if n%10 == 4 { // this one arrives after the next
				continue
			}
			b.ship(worker, n, records)
			if n%10 == 5 {
				b.ship(worker, n-1, records)
			}
		}
		r.page(7)
		if n%25 == 0 {
			r.rest()
		}
	}
	r.rest()
	r.wantOnce(segments*records, "a", "a-1")
	if len(r.cursor) > 3<<10 {
		t.Errorf("the cursor has %d bytes", len(r.cursor))
	}
}

// A cursor does not grow with the output, so it cannot name all files. That one was missed
// must not go unnoticed.
func TestAFileThatArrivesLongAfterLaterOnesIsAnError(t *testing.T) {
	t.Parallel()
	b, where := newBucket(t)
	r := newReader(t, recordstream.New(nil, recordstream.Config{Out: where}), job("jsonl"))
	for n := range 100 {
		if n != 3 {
			b.ship("a", n, 2)
		}
	}
	r.rest()
	b.ship("a", 3, 2)
	_, _, err := r.stream.Read(t.Context(), r.job, r.cursor, func([]byte) (bool, error) { return true, nil })
	if !errors.Is(err, queue.ErrCursor) || !strings.Contains(err.Error(), "read the records again from the beginning") {
		t.Errorf("the error is %v", err)
	}
	r.cursor, r.urls = "", make(map[string]int)
	r.rest()
	r.wantOnce(200, "a")
}

func TestACursorForManyWritersIsShort(t *testing.T) {
	t.Parallel()
	b, where := newBucket(t)
	r := newReader(t, recordstream.New(nil, recordstream.Config{Out: where}), job("jsonl"))
	var workers []string
	for w := range 100 {
		workers = append(workers, fmt.Sprintf("crawler-7d9f5b-%05x", w*7877))
		for n := range 10 {
			b.ship(workers[w], n, 1)
		}
	}
	for r.page(10_000) {
	}
	r.wantOnce(10, workers...)
	if len(r.cursor) > 7<<10 {
		t.Errorf("the cursor has %d bytes: some servers refuse a URL of more than 8,000", len(r.cursor))
	}
}

func TestARecordThatCouldNotBeTakenIsReadAgain(t *testing.T) {
	t.Parallel()
	b, where := newBucket(t)
	b.ship("a", 0, 5)
	r := newReader(t, recordstream.New(nil, recordstream.Config{Out: where}), job("jsonl"))
	r.page(2)
	full := errors.New("full")
	_, _, err := r.stream.Read(t.Context(), r.job, r.cursor, func([]byte) (bool, error) { return false, full })
	if !errors.Is(err, full) {
		t.Errorf("the error is %v", err)
	}
	r.rest()
	r.wantOnce(5, "a")
}

func TestCursorsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	b, where := newBucket(t)
	b.ship("a", 0, 5)
	r := newReader(t, recordstream.New(nil, recordstream.Config{Out: where}), job("jsonl"))
	r.page(2)
	again := r.job
	again.Created = again.Created.Add(time.Second)
	for cursor, in := range map[string]crawler.Status{"nonsense": r.job, "1.!": r.job, "1.AAAA": r.job,
		r.cursor[:len(r.cursor)-4]: r.job, "2" + r.cursor[1:]: r.job, r.cursor: again} {
		_, _, err := r.stream.Read(t.Context(), in, cursor, func([]byte) (bool, error) { return true, nil })
		if !errors.Is(err, queue.ErrCursor) || !strings.Contains(err.Error(), cursor[:min(len(cursor), 20)]) {
			t.Errorf("the cursor %q leads to the error %v", cursor, err)
		}
	}
}

func TestRecordsThatAreOutOfReachAreAnErrorThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := places{{Worker: "w1", Machine: "there", Where: dir}}
	read := func(s *recordstream.Stream, format string) error {
		_, _, err := s.Read(t.Context(), job(format), "", func([]byte) (bool, error) { return true, nil })
		return err
	}
	here := recordstream.New(kept, recordstream.Config{Machine: "here"})
	for format, parts := range map[string][]string{
		"jsonl": {"worker w1", "machine there", dir, "--out"}, "warc": {"news", "warc", "add jsonl"},
	} {
		err := read(here, format)
		if !errors.Is(err, queue.ErrOutput) {
			t.Fatalf("the error is %v", err)
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error lacks %q: %v", part, err)
			}
		}
	}
	nowhere := recordstream.New(nil, recordstream.Config{Out: filepath.Join(dir, "nowhere")})
	if err := read(nowhere, "jsonl"); !errors.Is(err, queue.ErrOutput) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("a folder that does not exist: %v", err)
	}
	at, err := output.Open(t.Context(), dir)
	if err == nil {
		err = at.SetOwner(t.Context(), output.Owner{Job: "news", Created: job("jsonl").Created})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := read(here, "jsonl"); err != nil { // the folder is mounted on this machine, too
		t.Errorf("a folder of both machines: %v", err)
	}
}

func TestRecordsOfAnEarlierJobAreLeftOut(t *testing.T) {
	t.Parallel()
	b, where := newBucket(t)
	b.ship("a", 0, 5)
	news := job("jsonl")
	owner := output.Owner{Job: "news", Created: news.Created.Add(-time.Hour)}
	if err := b.at.In("news").SetOwner(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	r := newReader(t, recordstream.New(nil, recordstream.Config{Out: where}), news)
	if r.rest(); len(r.urls) > 0 {
		t.Errorf("records of an earlier job were read: %v", slices.Collect(maps.Keys(r.urls)))
	}
}

func TestTheRestOfADamagedFileIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, err := sink.NewJSONL(sink.JSONLConfig{Dir: filepath.Join(dir, "news"), Worker: "a", Compression: sink.Gzip})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		if err := w.Keep(t.Context(), []*fetched.Result{result(t, "a", n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "news", "pages-a-00001.jsonl.gz")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 0xff
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	var damaged []error
	r := newReader(t, recordstream.New(nil, recordstream.Config{Out: dir, Damaged: func(err error) {
		damaged = append(damaged, err)
	}}), job("jsonl.gz"))
	for r.page(3) {
	}
	r.page(3)
	if len(r.urls) != 9 || len(damaged) != 1 || !errors.Is(damaged[0], output.ErrDamaged) {
		t.Errorf("%d of 10 records were read, and the damage is %v", len(r.urls), damaged)
	}
}
