//go:build unix && !linux

package redisd

import (
	"os/exec"
	"syscall"
)

// own puts cmd in its own process group, so that Ctrl-C in the terminal does not reach it.
// If this process is killed, the child survives; the next server in its folder then ends
// it.
func own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
