//go:build unix

package render

import "syscall"

// errLocal says why this process cannot start browsers. Here it can.
var errLocal error

// killAll kills a process that leads its group, and the group.
func killAll(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	_ = syscall.Kill(pid, syscall.SIGKILL) // in case the group does not exist yet
}

// killOne kills a process of a page.
func killOne(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }
