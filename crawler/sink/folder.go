package sink

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"
)

// folder is an output folder that this process alone writes to under one stem:
// the beginning of its files' names. No name in it is followed out of it.
type folder struct {
	*os.Root
	dir  string
	lock *flock.Flock
}

// openFolder makes the folder if need be and locks the stem in it, with the
// file ".STEM.lock". The operating system lets go of the lock when the process
// ends, however it ends.
func openFolder(dir, stem string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, trouble("making the output folder", dir, "", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, trouble("opening the output folder", dir, "", err)
	}
	f := &folder{Root: root, dir: dir}
	if err := f.acquire("." + stem + ".lock"); err != nil {
		root.Close()
		return nil, err
	}
	return f, nil
}

// acquire takes the lock and writes into it who has it. The file is opened
// through the root first, which refuses a link that leads elsewhere.
func (f *folder) acquire(name string) error {
	file, err := f.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return trouble("writing into the output folder", f.dir, "", err)
	}
	defer file.Close()
	f.lock = flock.New(filepath.Join(f.dir, name), flock.SetFlag(os.O_RDWR))
	switch held, err := f.lock.TryLock(); {
	case err != nil:
		return trouble("locking", f.dir, name, err)
	case !held:
		return fmt.Errorf("the output folder %q is in use by %s: stop it, or choose another folder or worker name",
			f.dir, holder(file))
	}
	sign(file)
	return nil
}

// sign writes this process into the lock. It is for people, and optional: some
// systems let nobody write to a locked file.
func sign(lock *os.File) {
	host, _ := os.Hostname()
	if lock.Truncate(0) == nil {
		fmt.Fprintf(lock, "process %d on %s\n", os.Getpid(), host)
	}
}

// holder reads who has the lock.
func holder(lock *os.File) string {
	who, err := io.ReadAll(io.LimitReader(lock, 300))
	if name := strings.TrimSpace(string(who)); err == nil && name != "" {
		return name
	}
	return "another process"
}

// list returns the names of what lies directly in the folder.
func (f *folder) list() ([]string, error) {
	top, err := f.Open(".")
	if err != nil {
		return nil, trouble("listing", f.dir, "", err)
	}
	defer top.Close()
	names, err := top.Readdirnames(-1)
	if err != nil {
		return nil, trouble("listing", f.dir, "", err)
	}
	return names, nil
}

// sync puts the names of the files on disk. A system that can not do so for a
// folder, as Windows, does it by itself.
func (f *folder) sync() error {
	top, err := f.Open(".")
	if err != nil {
		return trouble("putting on disk", f.dir, "", err)
	}
	defer top.Close()
	if err := top.Sync(); err != nil && runtime.GOOS != "windows" {
		return trouble("putting on disk", f.dir, "", err)
	}
	return nil
}

// Close lets others write here.
func (f *folder) Close() error {
	err := f.lock.Close()
	f.Root.Close()
	return err
}
