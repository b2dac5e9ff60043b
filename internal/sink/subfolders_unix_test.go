//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sink

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// placed gives a new file a name, and returns the error of that.
func placed(t *testing.T, s *subfolders, name string) error {
	t.Helper()
	draft, err := s.create(".draft")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := draft.WriteString(name); err != nil {
		t.Fatal(err)
	}
	if err := draft.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.place(".draft", name); err != nil {
		return errors.Join(err, s.in.Remove(".draft"))
	}
	return nil
}

func openSubfolders(t *testing.T) (*subfolders, string) {
	t.Helper()
	dir := t.TempDir()
	in, err := rootFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := newSubfolders(in)
	t.Cleanup(func() {
		s.close()
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

func TestAFolderThatVanishesWithinABatchIsMadeAgain(t *testing.T) {
	t.Parallel()
	s, dir := openSubfolders(t)
	for _, name := range []string{"a/b/1", "a/b/2", "top"} {
		if err := placed(t, s, name); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
			t.Fatal(err)
		}
	}
	if err := placed(t, s, "a/b/3"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir, "a", "b", "3"); got != "a/b/3" {
		t.Errorf("the file has %q", got)
	}
	if got := read(t, dir, "top"); got != "top" {
		t.Errorf("the file of the output folder has %q", got)
	}
}

func TestAFolderThatIsReplacedByALinkWithinABatchLeadsNowhere(t *testing.T) {
	t.Parallel()
	s, dir := openSubfolders(t)
	outside := t.TempDir()
	if err := placed(t, s, "a/1"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "a")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := placed(t, s, "a/2"); err == nil {
		t.Error("the file was placed")
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("%s was written outside", left[0].Name())
	}
}

func TestFilesOfManyFoldersKeepFewOfThemOpen(t *testing.T) {
	t.Parallel()
	s, dir := openSubfolders(t)
	for i := range 3 * maxSubfolders {
		if err := placed(t, s, strconv.Itoa(i)+"/file"); err != nil {
			t.Fatal(err)
		}
		if len(s.open) > maxSubfolders {
			t.Fatalf("%d folders are open", len(s.open))
		}
	}
	for i := range 3 * maxSubfolders {
		name := strconv.Itoa(i)
		if got := read(t, dir, name, "file"); got != name+"/file" {
			t.Errorf("file %d has %q", i, got)
		}
		if kind, err := s.kind(name + "/file"); err != nil || !kind.IsRegular() {
			t.Errorf("file %d is of kind %v: %v", i, kind, err)
		}
	}
	if _, err := s.kind("0/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if kind, err := s.kind("0"); err != nil || !kind.IsDir() {
		t.Errorf("a folder is of kind %v: %v", kind, err)
	}
}
