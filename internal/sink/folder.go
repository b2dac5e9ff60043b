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

// folder is an output folder in which only this process writes files whose names begin
// with one stem. Names never lead out of it, not even through symbolic links.
type folder struct {
	*os.Root
	dir   string
	locks []*flock.Flock
}

// ErrInUse is wrapped in errors about folders and files that another process is writing.
var ErrInUse = errors.New("is in use")

// openFolder creates the folder if needed and locks the stem in it, using the file
// ".STEM.lock". The operating system releases the lock when the process ends, however it
// ends. On a file system without locks it succeeds without one; the caller then relies on
// unique worker names.
func openFolder(dir, stem string) (*folder, error) { return openAs(dir, stem, "") }

// openAs does the same and notes in the lock file who holds it, with the role as a
// prefix.
func openAs(dir, stem, role string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, trouble("making the output folder", dir, "", err)
	}
	f, err := rootFolder(dir)
	if err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += adopterPause {
		who, err := f.acquire(stem, role)
		switch {
		case err == nil, noLocks(err):
			return f, nil
		case errors.Is(err, ErrInUse) && strings.HasPrefix(who, adopter) && waited < adopterTerm:
			time.Sleep(adopterPause) // it is finishing what a process with this name left behind
		default:
			return nil, errors.Join(err, f.Root.Close())
		}
	}
}

func rootFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
			err = syscall.ENOTDIR // package os reports an error of its own for this
		}
		return nil, trouble("opening the output folder", dir, "", err)
	}
	return &folder{Root: root, dir: dir}, nil
}

// How long a writer waits while another process finishes what an earlier writer of the
// same name left behind.
const (
	adopterPause = 50 * time.Millisecond
	adopterTerm  = 10 * time.Second
	adopter      = "an adopter, "
)

// acquire takes the lock of a stem and notes in it who holds it, with the role as a
// prefix. The file is opened through the root first, which refuses a link that leads
// outside. The error wraps [ErrInUse] when another process, who, holds the lock.
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
		return who, fmt.Errorf("the output folder %q %w by %s: stop it, or choose another folder or worker name", f.dir,
			ErrInUse, who)
	}
	f.locks = append(f.locks, lock)
	sign(file, role)
	return "", nil
}

// Seize takes the locks of all writers in a folder, past and present, so that nothing is
// written there until release is called. Writers that start meanwhile wait for the
// release. If several processes call it at once, one gets the folder and the others wait.
// The folder is created if it is missing. The error wraps [ErrInUse] when a writer is
// active.
func Seize(dir string) (release func() error, err error) {
	f, err := openAs(dir, "claim", adopter)
	if err != nil {
		return nil, err
	}
	names, err := f.list()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for _, name := range names {
		stem := strings.TrimSuffix(strings.TrimPrefix(name, "."), ".lock")
		if !isLock(name) || stem == "claim" {
			continue
		}
		if _, err := f.acquire(stem, adopter); err != nil && !noLocks(err) {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f.Close, nil
}

// noLocks reports whether an error says that the file system does not support locks.
func noLocks(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK)
}

// CheckLocks returns an error if the file system of a folder is known to lack locks.
// Without locks, the files of a dead writer cannot be told from those of a live one.
func CheckLocks(dir string) error {
	probe, err := os.CreateTemp(dir, ".probe-*.lock")
	if err != nil {
		return nil // nothing is known; a writer will report the problem
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

// sign writes the name of this process into the lock file, for people to read. Failure is
// ignored: some systems forbid writing to a locked file.
func sign(lock *os.File, role string) {
	host, _ := os.Hostname()
	if lock.Truncate(0) == nil {
		fmt.Fprintf(lock, "%sprocess %d on %s\n", role, os.Getpid(), host)
	}
}

// holder reads the name of the process that holds the lock.
func holder(lock *os.File) string {
	who, err := io.ReadAll(io.LimitReader(lock, 300))
	if name := strings.TrimSpace(string(who)); err == nil && name != "" {
		return name
	}
	return "another process"
}

// list returns the names of the entries of the folder.
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

// sync puts the names of the files on disk. Systems that cannot sync a folder, such as
// Windows, do so by themselves.
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

// Close releases the locks and closes the folder.
func (f *folder) Close() error {
	var errs []error
	for _, lock := range f.locks {
		errs = append(errs, lock.Close())
	}
	return errors.Join(append(errs, f.Root.Close())...)
}
