package sink

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestATornLastLineIsRemovedWhenASegmentIsOpened(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ whole, torn string }{
		"nothing at all":                    {"", ""},
		"only a torn line":                  {"", `{"url":"http://exa`},
		"one complete line":                 {"{}\n", ""},
		"a torn line after complete ones":   {"{}\n{\"a\":1}\n", `{"b"`},
		"a trailing empty line":             {"{}\n\n", ""},
		"zeros, as after a loss of power":   {"{}\n", strings.Repeat("\x00", 5000)},
		"a torn line of 5 MB":               {"{}\n", strings.Repeat("x", 5<<20)},
		"only a torn line of 5 MB":          {"", strings.Repeat("x", 5<<20)},
		"a newline at the end of a block":   {"{}\n", strings.Repeat("x", 64<<10)},
		"a newline at the start of a block": {"{}\n", strings.Repeat("x", 64<<10-1)},
		"complete lines that fill blocks":   {strings.Repeat("x", 128<<10-1) + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, c.whole+c.torn, dir, "pages-00001.jsonl.open")
			var log bytes.Buffer
			j, err := NewJSONL(JSONLConfig{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			closed(t, j)
			var got string
			if c.whole != "" {
				got = read(t, dir, "pages-00001.jsonl")
			}
			if got != c.whole {
				t.Errorf("%d complete bytes became %d that end in %q", len(c.whole), len(got),
					got[max(0, len(got)-100):])
			}
			if left := glob(t, dir, "pages*"); len(left) > 1 || c.whole == "" && len(left) > 0 {
				t.Errorf("the files are %q", left)
			}
			if said := strings.Contains(log.String(), "torn"); said != (c.torn != "") {
				t.Errorf("logged %q", log.String())
			}
		})
	}
}

// fullDisk is a file on a disk with little room.
type fullDisk struct {
	*os.File
	room    int64
	stuck   bool // Truncate fails as well
	cutback int
}

func (f *fullDisk) WriteAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) <= f.room {
		return f.File.WriteAt(b, at)
	}
	n, err := f.File.WriteAt(b[:max(0, f.room-at)], at)
	return n, errors.Join(err, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
}

func (f *fullDisk) Truncate(size int64) error {
	if f.stuck {
		return &os.PathError{Op: "truncate", Path: "x", Err: syscall.EIO}
	}
	f.cutback++
	return f.File.Truncate(size)
}

func onFullDisk(t *testing.T, j *JSONL, room int64) *fullDisk {
	t.Helper()
	if err := j.begin(); err != nil {
		t.Fatal(err)
	}
	disk := &fullDisk{File: j.segment.file.(*os.File), room: room}
	j.segment.file = disk
	return disk
}

func TestABatchThatDidNotFitOnTheDiskIsRemovedAndCanBeRetried(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openJSONL(t, JSONLConfig{Dir: dir})
	disk := onFullDisk(t, j, 2000)
	keep(t, j, pages(t, 0, 2)...)
	err := j.Keep(t.Context(), pages(t, 1, 20))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want a full disk", err)
	}
	for _, want := range []string{filepath.Join(dir, "pages-00001.jsonl.open"), "free some space"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not contain %q", err, want)
		}
	}
	wantOnce(t, kept(t, dir, "*.jsonl"), 1, 2)
	disk.room = 1 << 20
	keep(t, j, pages(t, 1, 2)...)
	closed(t, j)
	wantOnce(t, kept(t, dir, "*.jsonl"), 2, 2)
}

func TestABatchThatCouldNotBeRemovedIsRemovedBeforeTheNext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openJSONL(t, JSONLConfig{Dir: dir})
	disk := onFullDisk(t, j, 500)
	disk.stuck = true
	for range 2 {
		if err := j.Keep(t.Context(), pages(t, 0, 20)); !errors.Is(err, syscall.EIO) {
			t.Fatalf("got %v, want the failure to cut back", err)
		}
	}
	disk.stuck, disk.room = false, 1<<20
	keep(t, j, pages(t, 0, 1)...)
	closed(t, j)
	wantOnce(t, kept(t, dir, "*.jsonl"), 1, 1)
	if disk.cutback != 1 {
		t.Errorf("cut back %d times, want 1", disk.cutback)
	}
}
