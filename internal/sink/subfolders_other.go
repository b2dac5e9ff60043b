//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package sink

import (
	"io/fs"
	"os"
	"time"
)

// subfolders are the folders beneath an output folder that the files of one batch go to. For use
// by one goroutine.
type subfolders struct{ in *folder }

func newSubfolders(in *folder) *subfolders { return &subfolders{in} }

// create creates an unfinished file in the output folder.
func (s *subfolders) create(draft string) (*os.File, error) {
	return s.in.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
}

// chtimes sets the times of a file of the output folder.
func (s *subfolders) chtimes(draft string, t time.Time) error { return s.in.Chtimes(draft, t, t) }

// rename gives a file of the output folder a name in one of its subfolders.
func (s *subfolders) rename(draft, name string) error { return s.in.Rename(draft, name) }

// kind returns the type bits of a name, without following it if it is a symbolic link. The error
// wraps [fs.ErrNotExist] if there is nothing.
func (s *subfolders) kind(name string) (fs.FileMode, error) {
	info, err := s.in.Lstat(name)
	if err != nil {
		return 0, err
	}
	return info.Mode().Type(), nil
}

func (*subfolders) forget(string) {}
func (*subfolders) close()        {}
