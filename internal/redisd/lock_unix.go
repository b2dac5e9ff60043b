//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package redisd

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock locks the file at path, creating it if it is missing, or returns errLocked at once.
// The lock lasts until the file is closed here and in every child that inherited it; when a
// process dies, its files are closed.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, fmt.Errorf("lock %q: %w", path, err)
}
