package sink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func openJSONL(t testing.TB, cfg JSONLConfig) *JSONL {
	t.Helper()
	j, err := NewJSONL(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func TestSegmentNumbersContinueAfterTheWritersLast(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"pages-00001.jsonl", "pages-00009.jsonl", "pages-00012.jsonl", "pages-w-00020.jsonl", "pages-20.jsonl",
		"pages-00020.jsonl.gz", "pages-00021.jsonl.gz.open", "pages-00021.parquet.open",
		"pages-99999999999999999999.jsonl", "other-00020.jsonl", "pages--0021.jsonl",
	} {
		write(t, "", dir, name)
	}
	j := openJSONL(t, JSONLConfig{Dir: dir})
	keep(t, j, pages(t, 0, 1)...)
	closed(t, j)
	wantOnce(t, records(t, read(t, dir, "pages-00013.jsonl")), 1, 1)
}

func TestSegmentNumbersMayExceedFiveDigits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, "{}\n", dir, "pages-99999.jsonl")
	j := openJSONL(t, JSONLConfig{Dir: dir})
	keep(t, j, pages(t, 0, 1)...)
	closed(t, j)
	wantOnce(t, kept(t, dir, "pages-100000.jsonl"), 1, 1)
	j = openJSONL(t, JSONLConfig{Dir: dir})
	keep(t, j, pages(t, 0, 1)...)
	wantOnce(t, kept(t, dir, "pages-100001.jsonl"), 1, 1)
}

func TestANewSegmentBeginsAtTheSizeLimitButNotWithinABatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openJSONL(t, JSONLConfig{Dir: dir, SegmentSize: 3000})
	for b := range 10 {
		keep(t, j, pages(t, b, 4)...)
	}
	closed(t, j)
	wantOnce(t, kept(t, dir, "pages-*.jsonl"), 10, 4)
	segments, _ := filepath.Glob(filepath.Join(dir, "pages-*.jsonl"))
	if len(segments) < 3 {
		t.Fatalf("%d segments", len(segments))
	}
	for i, segment := range segments {
		text := read(t, segment)
		if len(text) < 3000 && i < len(segments)-1 {
			t.Errorf("%s has %d bytes, and the next one begins at 3000", segment, len(text))
		}
		if n := len(records(t, text)); n%4 != 0 {
			t.Errorf("%s has %d records: a batch of 4 is split", segment, n)
		}
	}
}

func TestConcurrentVisitsWriteEachRecordOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openJSONL(t, JSONLConfig{Dir: dir, SegmentSize: 20_000})
	var visits sync.WaitGroup
	for b := range 100 {
		visits.Go(func() {
			for _, r := range pages(t, b, 20) {
				keep(t, j, r)
			}
			if err := j.Sync(); err != nil {
				t.Error(err)
			}
		})
	}
	visits.Wait()
	closed(t, j)
	wantOnce(t, kept(t, dir, "pages-*.jsonl"), 100, 20)
}

func TestWorkersWriteIntoOneFolderUnderTheirNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for b, worker := range []string{"", "a", "../b:1", "1"} {
		j := openJSONL(t, JSONLConfig{Dir: dir, Worker: worker})
		keep(t, j, pages(t, b, 1)...)
		closed(t, j)
	}
	for b, name := range []string{
		"pages-00001.jsonl", "pages-a-00001.jsonl", "pages-%2E.%2Fb%3A1-00001.jsonl", "pages-1-00001.jsonl",
	} {
		recs := records(t, read(t, dir, name))
		if want := fmt.Sprintf("http://example.com/%d/0", b); len(recs) != 1 || recs[0].URL != want {
			t.Errorf("%s has %v, want only %s", name, recs, want)
		}
	}
}

func TestTheErrorForAFolderInUseNamesTheProcessToStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := openJSONL(t, JSONLConfig{Dir: dir})
	_, err := NewJSONL(JSONLConfig{Dir: dir})
	if err == nil {
		t.Fatal("two sinks opened one segment")
	}
	for _, want := range []string{dir, "process ", "stop it"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not contain %q", err, want)
		}
	}
	closed(t, first)
	closed(t, openJSONL(t, JSONLConfig{Dir: dir}))
}

func TestAFolderThatCannotBeCreatedIsNamedInTheError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, "", dir, "file")
	for _, format := range Names {
		_, err := Open([]string{format}, filepath.Join(dir, "file", "out"), Options{})
		if !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), filepath.Join(dir, "file", "out")) {
			t.Errorf("%s: got %v", format, err)
		}
	}
}

func TestASegmentThatIsASymbolicLinkIsNotFollowed(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	write(t, "torn", outside, "secret")
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "pages-00001.jsonl.open")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if _, err := NewJSONL(JSONLConfig{Dir: dir}); err == nil {
		t.Error("the link was opened")
	}
	if got := read(t, outside, "secret"); got != "torn" {
		t.Errorf("the file outside is %q", got)
	}
}

func TestLinksAreCountedOrListed(t *testing.T) {
	t.Parallel()
	for links, want := range map[bool]string{false: `"links":1,`, true: `"links":["http://example.com/0/0"],`} {
		dir := t.TempDir()
		keep(t, openJSONL(t, JSONLConfig{Dir: dir, Links: links}), pages(t, 0, 1)...)
		if got := read(t, dir, "pages-00001.jsonl.open"); !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
}

func TestNothingIsKeptWhenTheContextIsDoneOrTheSinkClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openJSONL(t, JSONLConfig{Dir: dir})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Keep(ctx, pages(t, 0, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	closed(t, j)
	closed(t, j)
	if err := j.Keep(t.Context(), pages(t, 0, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
	wantOnce(t, kept(t, dir, "*.jsonl"), 0, 0)
}

// watchedFile reports each sync and its result.
type watchedFile struct {
	file
	synced chan struct{}
	fails  error
}

func (f *watchedFile) Sync() error {
	defer func() { f.synced <- struct{}{} }()
	return errors.Join(f.fails, f.file.Sync())
}

// watched opens a sink that syncs when the returned channel receives, and returns the
// file that is synced.
func watched(t *testing.T, fails error) (*JSONL, chan<- time.Time, *watchedFile) {
	t.Helper()
	ticks := make(chan time.Time)
	ticker := time.NewTicker(time.Hour)
	ticker.C = ticks
	j, err := newJSONL(JSONLConfig{Dir: t.TempDir()}.WithDefaults(), ticker)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.begin(); err != nil {
		t.Fatal(err)
	}
	f := &watchedFile{j.segment.file, make(chan struct{}, 10), fails}
	j.segment.file = f
	return j, ticks, f
}

func TestWritesAreSyncedAtTheNextTick(t *testing.T) {
	t.Parallel()
	j, ticks, f := watched(t, nil)
	keep(t, j, pages(t, 0, 1)...)
	ticks <- time.Time{}
	<-f.synced
	ticks <- time.Time{}
	ticks <- time.Time{} // received after the previous tick was handled
	if len(f.synced) != 0 {
		t.Error("the file was synced although nothing was written")
	}
	closed(t, j)
	<-f.synced
}

func TestKeepFailsAfterAFailedSync(t *testing.T) {
	t.Parallel()
	j, ticks, f := watched(t, &os.PathError{Op: "sync", Path: "x", Err: syscall.EIO})
	keep(t, j, pages(t, 0, 1)...)
	ticks <- time.Time{}
	<-f.synced
	ticks <- time.Time{} // received after the failure was recorded
	for range 2 {
		if err := j.Keep(t.Context(), pages(t, 1, 1)); !errors.Is(err, syscall.EIO) {
			t.Errorf("got %v, want the failure to sync", err)
		}
	}
	if err := j.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Close returned %v", err)
	}
}

func BenchmarkKeep(b *testing.B) {
	for name, size := range map[string]int{"batches of 1": 1, "batches of 16": 16} {
		b.Run(name, func(b *testing.B) {
			j := openJSONL(b, JSONLConfig{Dir: b.TempDir()})
			results := pages(b, 0, size)
			b.ReportAllocs()
			for b.Loop() {
				keep(b, j, results...)
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
