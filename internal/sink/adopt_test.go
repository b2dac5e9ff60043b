package sink

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var quiet = slog.New(slog.DiscardHandler)

// workers are worker names that are escaped in different ways in file names.
var workers = []string{"w1", "host.example-4711", "w 1/%41", strings.Repeat("long", 50), ""}

// left creates what a worker leaves that is killed after it kept this many batches, with
// a torn end in each file.
func left(t testing.TB, worker, tear string, batches int) string {
	t.Helper()
	alive, dir := t.TempDir(), t.TempDir()
	s, err := Open(Names, alive, Options{Worker: worker, Job: archived})
	if err != nil {
		t.Fatal(err)
	}
	for b := range batches {
		keep(t, s, pages(t, b, 3)...)
	}
	copyKilled(t, alive, dir, tear)
	closed(t, s)
	return dir
}

// copyKilled copies a folder as a kill of its writers would leave it.
func copyKilled(t testing.TB, from, to, tear string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text := read(t, path)
		if strings.HasSuffix(path, opened) {
			text += tear
		}
		name, err := filepath.Rel(from, path)
		write(t, text, to, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// shown lists the files of a folder with their sizes, except for locks.
func shown(t testing.TB, dir string) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || isLock(e.Name()) {
			return err
		}
		info, err := e.Info()
		name, _ := filepath.Rel(dir, path)
		all[name] = info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatADeadWriterLeftIsFinishedAsItsOwnStartWould(t *testing.T) {
	t.Parallel()
	for _, worker := range workers {
		for name, tear := range map[string]string{"whole": "", "torn": `{"url":"http://exam`,
			"with zeros": strings.Repeat("\x00", 3000)} {
			t.Run(worker[:min(len(worker), 20)]+" "+name, func(t *testing.T) {
				t.Parallel()
				dir, same := left(t, worker, tear, 3), t.TempDir()
				write(t, "a draft", dir, "."+stem("manifest", worker)+"-7.part")
				copyKilled(t, dir, same, "")
				got, err := Adopt(dir, quiet)
				if err != nil {
					t.Fatal(err)
				}
				again, err := Open(Names, same, Options{Worker: worker, Job: archived})
				if err != nil {
					t.Fatal(err)
				}
				closed(t, again)
				if diff := cmp.Diff(shown(t, same), shown(t, dir)); diff != "" {
					t.Error(diff)
				}
				if left := glob(t, dir, "*"+opened); len(left) > 0 || len(got.Open) > 0 || len(got.Finished) < 9 {
					t.Errorf("%q are left; it says %+v", left, got)
				}
				if worker != "" && !got.Left(worker) || got.Left("another") {
					t.Error("it does not tell who left")
				}
				wantOnce(t, kept(t, dir, "pages-*.jsonl.zst"), 3, 3)
			})
		}
	}
}

func TestWhatALiveWriterHasOpenIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, worker := range []string{"w1", ""} {
		dir := left(t, "dead", "", 2)
		s, err := Open(Names, dir, Options{Worker: worker, Job: archived})
		if err != nil {
			t.Fatal(err)
		}
		keep(t, s, pages(t, 2, 3)...)
		got, err := Adopt(dir, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if worker != "" && (got.Left(worker) || !got.Left("dead")) {
			t.Error("it does not tell who lives")
		}
		for _, name := range got.Open {
			if strings.Contains(name, "dead") && !strings.Contains(name, zipped) && !strings.Contains(name, indexed) {
				t.Errorf("%s is left, and its writer is dead", name)
			}
		}
		keep(t, s, pages(t, 3, 3)...)
		closed(t, s)
		wantOnce(t, kept(t, dir, "pages-*.jsonl"), 4, 3)
		if left := glob(t, dir, "*"+opened); len(left) > 0 {
			if _, err := Adopt(dir, quiet); err != nil || len(glob(t, dir, "*"+opened)) > 0 {
				t.Errorf("%q are left: %v", left, err)
			}
		}
	}
}

func TestOfSeveralAdoptersOneFinishesTheFiles(t *testing.T) {
	t.Parallel()
	dir := left(t, "w1", "", 4)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := Adopt(dir, quiet); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := glob(t, dir, "*"+opened); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	for _, format := range []string{"pages-*.jsonl", "pages-*.jsonl.gz", "manifest-*.jsonl"} {
		wantOnce(t, kept(t, dir, format), 4, 3)
	}
}

func TestAWriterWaitsForWhoFinishesWhatAnEarlierOneLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, err := rootFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.acquire("pages-w1", adopter); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		s, err := Open([]string{"jsonl"}, dir, Options{Worker: "w1"})
		if err == nil {
			err = s.Close()
		}
		done <- err
	}()
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAFolderThatIsNotThereHasNothingToAdopt(t *testing.T) {
	t.Parallel()
	got, err := Adopt(filepath.Join(t.TempDir(), "none"), quiet)
	if err != nil || len(got.Finished) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAFileThatCannotBeFinishedKeepsNoOtherBack(t *testing.T) {
	t.Parallel()
	dir := left(t, "w1", "", 1)
	name := glob(t, dir, "pages-w1-*.jsonl.gz.open")[0]
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(dir, quiet); err == nil || !strings.Contains(err.Error(), ".jsonl.gz.open") {
		t.Errorf("it says %v", err)
	}
	if left := glob(t, dir, "*"+opened); !slices.Equal(left, []string{name}) {
		t.Errorf("%q are left", left)
	}
}

func TestFileSystemsWithoutLocksAreKnownByTheirErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{syscall.ENOLCK, syscall.ENOSYS, syscall.EOPNOTSUPP} {
		if !noLocks(trouble("locking", "/out", ".pages-w1.lock", &os.PathError{Op: "flock", Err: err})) {
			t.Errorf("%v is not known", err)
		}
	}
	if noLocks(syscall.EIO) || noLocks(context.Canceled) {
		t.Error("another error is taken for it")
	}
	if err := CheckLocks(t.TempDir()); err != nil {
		t.Error(err)
	}
}
