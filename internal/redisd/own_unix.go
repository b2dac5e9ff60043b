//go:build unix && !linux

package redisd

import (
	"os/exec"
	"syscall"
)

// own puts cmd in a process group of its own, so that Ctrl-C in the terminal
// does not reach it. It survives this process when that is killed; the next
// server in its folder then ends it.
func own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
