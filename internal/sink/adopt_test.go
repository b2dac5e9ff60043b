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

	"github.com/trawlcrawler/trawl/internal/test/race"
)

var discardLog = slog.New(slog.DiscardHandler)

// workers are worker names that are escaped in different ways in file names.
var workers = []string{"w1", "host.example-4711", "w 1/%41", strings.Repeat("long", 50), ""}

// killedOutput returns a folder as a worker leaves it that was killed after it kept some
// batches. tear is appended to each open file.
func killedOutput(t testing.TB, worker, tear string, batches int) string {
	t.Helper()
	live, dir := t.TempDir(), t.TempDir()
	s, err := Open(Names, live, Options{Worker: worker, Job: archived})
	if err != nil {
		t.Fatal(err)
	}
	for b := range batches {
		keep(t, s, pages(t, b, 3)...)
	}
	copyKilled(t, live, dir, tear)
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

// fileSizes lists the files of a folder with their sizes, except for locks.
func fileSizes(t testing.TB, dir string) map[string]int64 {
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

func TestFilesOfADeadWriterAreFinishedAsByItsOwnRestart(t *testing.T) {
	t.Parallel()
	for _, worker := range workers {
		for name, tear := range map[string]string{"whole": "", "torn": `{"url":"http://exam`,
			"with zeros": strings.Repeat("\x00", 3000)} {
			t.Run(worker[:min(len(worker), 20)]+" "+name, func(t *testing.T) {
				t.Parallel()
				if name != "torn" {
					race.Skip(t) // one end of the files is enough for the detector
				}
				dir, same := killedOutput(t, worker, tear, 3), t.TempDir()
				write(t, "a draft", dir, "."+stem("manifest", worker)+"-7.part")
				copyKilled(t, dir, same, "")
				got, err := Adopt(dir, discardLog)
				if err != nil {
					t.Fatal(err)
				}
				again, err := Open(Names, same, Options{Worker: worker, Job: archived})
				if err != nil {
					t.Fatal(err)
				}
				closed(t, again)
				if diff := cmp.Diff(fileSizes(t, same), fileSizes(t, dir)); diff != "" {
					t.Error(diff)
				}
				if left := glob(t, dir, "*"+opened); len(left) > 0 || len(got.Open) > 0 || len(got.Finished) < 9 {
					t.Errorf("%q remain; Adopt returns %+v", left, got)
				}
				if worker != "" && !got.Left(worker) || got.Left("another") {
					t.Error("Left does not report the dead worker alone")
				}
				wantOnce(t, kept(t, dir, "pages-*.jsonl.zst"), 3, 3)
			})
		}
	}
}

func TestOpenFilesOfALiveWriterAreNotAdopted(t *testing.T) {
	t.Parallel()
	for _, worker := range []string{"w1", ""} {
		dir := killedOutput(t, "dead", "", 2)
		s, err := Open(Names, dir, Options{Worker: worker, Job: archived})
		if err != nil {
			t.Fatal(err)
		}
		keep(t, s, pages(t, 2, 3)...)
		got, err := Adopt(dir, discardLog)
		if err != nil {
			t.Fatal(err)
		}
		if worker != "" && (got.Left(worker) || !got.Left("dead")) {
			t.Error("Left does not distinguish the live worker from the dead one")
		}
		for _, name := range got.Open {
			if strings.Contains(name, "dead") && !strings.Contains(name, zipped) && !strings.Contains(name, indexed) {
				t.Errorf("%s remains, although its writer is dead", name)
			}
		}
		keep(t, s, pages(t, 3, 3)...)
		closed(t, s)
		wantOnce(t, kept(t, dir, "pages-*.jsonl"), 4, 3)
		if left := glob(t, dir, "*"+opened); len(left) > 0 {
			if _, err := Adopt(dir, discardLog); err != nil || len(glob(t, dir, "*"+opened)) > 0 {
				t.Errorf("%q remain: %v", left, err)
			}
		}
	}
}

func TestConcurrentAdoptersFinishEachFileOnce(t *testing.T) {
	t.Parallel()
	dir := killedOutput(t, "w1", "", 4)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := Adopt(dir, discardLog); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := glob(t, dir, "*"+opened); len(left) > 0 {
		t.Errorf("%q remain", left)
	}
	for _, format := range []string{"pages-*.jsonl", "pages-*.jsonl.gz", "manifest-*.jsonl"} {
		wantOnce(t, kept(t, dir, format), 4, 3)
	}
}

func TestAWriterWaitsForTheAdopterOfItsEarlierFiles(t *testing.T) {
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

func TestAMissingFolderHasNothingToAdopt(t *testing.T) {
	t.Parallel()
	got, err := Adopt(filepath.Join(t.TempDir(), "none"), discardLog)
	if err != nil || len(got.Finished) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAFileThatCannotBeFinishedDoesNotBlockTheOthers(t *testing.T) {
	t.Parallel()
	dir := killedOutput(t, "w1", "", 1)
	name := glob(t, dir, "pages-w1-*.jsonl.gz.open")[0]
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(dir, discardLog); err == nil || !strings.Contains(err.Error(), ".jsonl.gz.open") {
		t.Errorf("the error is %v", err)
	}
	if left := glob(t, dir, "*"+opened); !slices.Equal(left, []string{name}) {
		t.Errorf("%q remain", left)
	}
}

func TestFileSystemsWithoutLocksAreRecognizedByTheirErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{syscall.ENOLCK, syscall.ENOSYS, syscall.EOPNOTSUPP} {
		if !noLocks(trouble("locking", "/out", ".pages-w1.lock", &os.PathError{Op: "flock", Err: err})) {
			t.Errorf("%v is not recognized", err)
		}
	}
	if noLocks(syscall.EIO) || noLocks(context.Canceled) {
		t.Error("another error is recognized as a lack of locks")
	}
	if err := CheckLocks(t.TempDir()); err != nil {
		t.Error(err)
	}
}
