//go:build darwin || linux

package main

import "syscall"

// openFiles returns how many files this process may have open.
func openFiles() (uint64, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return limit.Cur, err
}

// roomOn returns how many bytes may still be written to the disk of a folder.
func roomOn(folder string) (uint64, error) {
	var disk syscall.Statfs_t
	err := syscall.Statfs(folder, &disk)
	return disk.Bavail * uint64(disk.Bsize), err
}
