package sink

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestARealDiskThatFillsUpTearsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("a small disk can not be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(Names, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write(t, strings.Repeat("x", 500_000), dir, "ballast")
	batches := fill(t, s)
	wantOnce(t, kept(t, dir, "manifest.jsonl"), batches, 7)
	records(t, read(t, dir, "pages-00001.jsonl"))
	wantNoDrafts(t, dir)
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	keep(t, s, pages(t, batches, 7)...)
	wantOnce(t, kept(t, dir, "manifest.jsonl"), batches+1, 7)
}

// fill keeps batches of seven until the disk is full and returns how many it
// took.
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
