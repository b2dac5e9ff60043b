//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package redisd

import "os"

// lock opens the file at path. On this system a child cannot inherit a lock, so nothing
// prevents two servers in one folder.
func lock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
