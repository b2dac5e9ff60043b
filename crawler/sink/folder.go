package sink

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// folder is an output folder that this process alone writes to under one stem:
// the beginning of its files' names. No name in it is followed out of it.
type folder struct {
	*os.Root
	dir   string
	locks []*flock.Flock
}

// ErrInUse is in the errors of folders, and of files, that another process writes.
var ErrInUse = errors.New("is in use")

// openFolder makes the folder if need be and locks the stem in it, with the
// file ".STEM.lock". The operating system lets go of the lock when the process
// ends, however it ends. On a file system without locks the caller has the folder
// as well: then it relies on worker names being unique.
func openFolder(dir, stem string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, trouble("making the output folder", dir, "", err)
	}
	f, err := rootFolder(dir)
	if err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += adopterPause {
		who, err := f.acquire(stem, "")
		switch {
		case err == nil, noLocks(err):
			return f, nil
		case errors.Is(err, ErrInUse) && strings.HasPrefix(who, adopter) && waited < adopterTerm:
			time.Sleep(adopterPause) // it finishes what a process of this name left
		default:
			return nil, errors.Join(err, f.Root.Close())
		}
	}
}

func rootFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, trouble("opening the output folder", dir, "", err)
	}
	return &folder{Root: root, dir: dir}, nil
}

// How long a writer waits for one that finishes what an earlier writer of its name left.
const (
	adopterPause = 50 * time.Millisecond
	adopterTerm  = 10 * time.Second
	adopter      = "an adopter, "
)

// acquire takes the lock of a stem and writes into it who has it, as role says. The
// file is opened through the root first, which refuses a link that leads elsewhere.
// The error wraps [ErrInUse] when another has the lock: who.
func (f *folder) acquire(stem, role string) (who string, err error) {
	name := "." + stem + ".lock"
	file, err := f.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", trouble("writing into the output folder", f.dir, "", err)
	}
	defer file.Close()
	lock := flock.New(filepath.Join(f.dir, name), flock.SetFlag(os.O_RDWR))
	switch held, err := lock.TryLock(); {
	case err != nil:
		return "", trouble("locking", f.dir, name, err)
	case !held:
		who := holder(file)
		return who, fmt.Errorf("the output folder %q %w by %s: stop it, or choose another folder or worker name", f.dir, ErrInUse, who)
	}
	f.locks = append(f.locks, lock)
	sign(file, role)
	return "", nil
}

// noLocks reports whether an error says that a file system knows no locks.
func noLocks(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK)
}

// CheckLocks returns an error where the file system of a folder is known to have no
// locks. Without them nobody can tell what a dead writer left from what a live one writes.
func CheckLocks(dir string) error {
	probe, err := os.CreateTemp(dir, ".probe-*.lock")
	if err != nil {
		return nil // nothing is known: whoever writes there tells of it
	}
	defer os.Remove(probe.Name())
	defer probe.Close()
	lock := flock.New(probe.Name())
	defer lock.Close()
	if _, err = lock.TryLock(); noLocks(err) {
		return err
	}
	return nil
}

// sign writes this process into the lock. It is for people, and optional: some
// systems let nobody write to a locked file.
func sign(lock *os.File, role string) {
	host, _ := os.Hostname()
	if lock.Truncate(0) == nil {
		fmt.Fprintf(lock, "%sprocess %d on %s\n", role, os.Getpid(), host)
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
	var errs []error
	for _, lock := range f.locks {
		errs = append(errs, lock.Close())
	}
	return errors.Join(append(errs, f.Root.Close())...)
}
