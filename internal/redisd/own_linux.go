package redisd

import (
	"os/exec"
	"syscall"
)

// own ties cmd to this process. The child is in a process group of its own, so
// that Ctrl-C in the terminal does not reach it, and the kernel ends it with
// SIGTERM when the thread that started it ends (PR_SET_PDEATHSIG), as it does
// when this process is killed: so it writes out what it has not written yet.
func own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
