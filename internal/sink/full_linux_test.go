package sink

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

func TestAFullDiskLeavesNoTornRecords(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	s, err := Open([]string{"jsonl", "jsonl.gz", "jsonl.zst", "files", "warc"}, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write(t, strings.Repeat("x", 500_000), dir, "ballast")
	batches := fill(t, s)
	wantOnce(t, kept(t, dir, "manifest-*.jsonl"), batches, 7)
	for _, format := range []string{"pages-*.jsonl", "pages-*.jsonl.gz", "pages-*.jsonl.zst"} {
		if n := len(kept(t, dir, format)); n < batches*7 {
			t.Errorf("%s have %d complete records, want the %d that were kept", format, n, batches*7)
		}
	}
	wantNoDrafts(t, dir)
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	again := pages(t, batches, 7) // the same results, so that no format keeps them twice
	for err := s.Keep(t.Context(), again); err != nil; err = s.Keep(t.Context(), again) {
		if broken := Broken(s); broken != nil || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Keep: %v; the sink is broken: %v", err, broken)
		}
		time.Sleep(time.Millisecond) // the disk takes a moment to give out what the ballast took
	}
	wantOnce(t, kept(t, dir, "manifest-*.jsonl"), batches+1, 7)
}

func TestAWARCWhoseIndexFillsTheDiskContinues(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	w := openWARC(t, dir)
	w.syncing.Lock() // the index of the first batch is written when the disk is full, not before
	keep(t, w, pages(t, 0, 7)...)
	ballast, err := os.Create(filepath.Join(dir, "ballast"))
	for block := make([]byte, 4096); err == nil; {
		_, err = ballast.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	w.syncing.Unlock()
	for range 2 {
		if err := w.Sync(); !errors.Is(err, syscall.ENOSPC) || w.Broken() != nil {
			t.Fatalf("Sync on a full disk: %v; the sink is broken: %v", err, w.Broken())
		}
	}
	if err := errors.Join(ballast.Close(), os.Remove(ballast.Name())); err != nil {
		t.Fatal(err)
	}
	keep(t, w, pages(t, 1, 7)...)
	for err := w.Sync(); err != nil; err = w.Sync() {
		if w.Broken() != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // as above
	}
	closed(t, w)
	if all := captured(t, dir); len(all) != 14 {
		t.Errorf("the archive has %d captures, want 14: %q", len(all), all)
	}
}

// smallDisk returns a folder on a disk of one megabyte.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("cannot mount a small disk, run it as root:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestTablesAreWrittenWhenAFullDiskHasSpaceAgain(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	p := openParquet(t, ParquetConfig{Dir: dir})
	batches := fill(t, p)
	if err := p.Close(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("Close wrote the tables: %v", err)
	}
	if left := glob(t, dir, "*.part"); len(left) > 0 {
		t.Errorf("temporary files %q remain", left)
	}
	if _, err := NewParquet(ParquetConfig{Dir: dir}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("NewParquet wrote the tables: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	p = openParquet(t, ParquetConfig{Dir: dir})
	keep(t, p, pages(t, batches, 7)...)
	closed(t, p)
	rows := rowsIn[tabular.PageRow](t, dir, "pages-*.parquet")
	times := map[string]int{}
	for _, row := range rows {
		times[row.URL]++
	}
	if len(rows) != 7*(batches+1) || len(times) != len(rows) {
		t.Errorf("%d rows of %d pages, want each of %d once", len(rows), len(times), 7*(batches+1))
	}
}

// fill keeps batches of seven until the disk is full, and returns how many were kept.
func fill(t *testing.T, s Sink) int {
	t.Helper()
	for b := 0; ; b++ {
		results := pages(t, b, 7)
		results[0].Page.Body.Head = []byte(strings.Repeat("x", 9000))
		results[0].Page.Body.Size = 9000
		err := s.Keep(t.Context(), results)
		if err == nil {
			continue
		}
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
			t.Fatalf("got %v, want a full disk", err)
		}
		return b
	}
}
