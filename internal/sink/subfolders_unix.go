//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sink

import (
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// subfolders are the folders beneath an output folder that the files of one batch go to. Each is
// opened once a batch, through the [os.Root] of the output folder, which would otherwise open all
// folders on the way to a name again for each operation. They are not kept for longer, so that
// the next batch notices a folder that was moved or replaced. For use by one goroutine.
type subfolders struct {
	in   *folder
	top  *os.File            // the output folder itself; nil until it is needed
	open map[string]*os.File // by name
}

// maxSubfolders is how many folders are open at a time.
const maxSubfolders = 32

func newSubfolders(in *folder) *subfolders { return &subfolders{in: in, open: map[string]*os.File{}} }

// create creates an unfinished file in the output folder. [os.Root] would do the same with five
// more system calls, to find out whether one can wait for the file.
func (s *subfolders) create(draft string) (*os.File, error) {
	top, err := s.root()
	if err != nil {
		return nil, err
	}
	var fd int
	err = repeat(func() (err error) {
		fd, err = unix.Openat(top, draft, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "openat", Path: draft, Err: err}
	}
	return os.NewFile(uintptr(fd), draft), nil
}

// chtimes sets the times of a file of the output folder.
func (s *subfolders) chtimes(draft string, t time.Time) error {
	top, err := s.root()
	if err != nil {
		return err
	}
	at, err := unix.TimeToTimespec(t)
	if err != nil {
		return err
	}
	return repeat(func() error {
		return unix.UtimesNanoAt(top, draft, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// rename gives a file of the output folder a name in one of its subfolders.
func (s *subfolders) rename(draft, name string) error {
	top, err := s.root()
	if err != nil {
		return err
	}
	to, err := s.at(path.Dir(name))
	if err != nil {
		return err
	}
	if err := repeat(func() error { return unix.Renameat(top, draft, to, path.Base(name)) }); err != nil {
		return &os.LinkError{Op: "renameat", Old: draft, New: name, Err: err}
	}
	return nil
}

// kind returns the type bits of a name, without following it if it is a symbolic link. The error
// wraps [fs.ErrNotExist] if there is nothing.
func (s *subfolders) kind(name string) (fs.FileMode, error) {
	in, err := s.at(path.Dir(name))
	if err != nil {
		return 0, err
	}
	var stat unix.Stat_t
	err = repeat(func() error { return unix.Fstatat(in, path.Base(name), &stat, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return 0, &fs.PathError{Op: "fstatat", Path: name, Err: err}
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0, nil
	case unix.S_IFDIR:
		return fs.ModeDir, nil
	}
	return fs.ModeIrregular, nil
}

// root returns the descriptor of the output folder. It is valid until close.
func (s *subfolders) root() (int, error) {
	if s.top == nil {
		var err error
		if s.top, err = s.in.Open("."); err != nil {
			return 0, err
		}
	}
	return int(s.top.Fd()), nil
}

// at returns the descriptor of a folder. It is valid until the next call.
func (s *subfolders) at(name string) (int, error) {
	f := s.open[name]
	if f == nil {
		if len(s.open) >= maxSubfolders {
			s.forgetAll()
		}
		var err error
		if f, err = s.in.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY, 0); err != nil {
			return 0, err
		}
		s.open[name] = f
	}
	return int(f.Fd()), nil
}

// forget closes a folder, so that its name is looked up again.
func (s *subfolders) forget(name string) {
	if f := s.open[name]; f != nil {
		f.Close()
		delete(s.open, name)
	}
}

func (s *subfolders) forgetAll() {
	for name := range s.open {
		s.forget(name)
	}
}

// close closes all folders.
func (s *subfolders) close() {
	s.forgetAll()
	if s.top != nil {
		s.top.Close()
		s.top = nil
	}
}

// repeat calls do until no signal interrupts it.
func repeat(do func() error) error {
	for {
		if err := do(); err != unix.EINTR {
			return err
		}
	}
}
