//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package redisd

import "os"

// lock opens the file at path. On this system a child can not inherit a lock,
// so nothing keeps two servers out of one folder.
func lock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
