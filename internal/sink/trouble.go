package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// trouble describes a file system error: what was being done, to which path, what went
// wrong, and what to do. It wraps the cause.
func trouble(doing, dir, name string, err error) error {
	cause := causeOf(err)
	return fmt.Errorf("%s %q: %w (%s)", doing, filepath.Join(dir, filepath.FromSlash(name)), cause, advice(cause))
}

// causeOf strips the operation and path that package os adds. The path is relative to a
// root, and the message already has the full one.
func causeOf(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

func advice(err error) string {
	switch {
	case diskFull(err):
		return "free some space there, or choose a folder on another disk"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "let this user write there, or choose another folder"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return "something that is not a folder stands in the way: move it, or choose another folder"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "raise the limit of open files (ulimit -n), or lower the concurrency"
	}
	return "check the folder and its disk, or choose another folder"
}

// diskFull reports whether the error says that the disk, or the user's share of it, is full.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
