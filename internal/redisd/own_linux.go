package redisd

import (
	"os/exec"
	"syscall"
)

// own ties cmd to this process. The child is in its own process group, so that Ctrl-C in
// the terminal does not reach it. The kernel sends it SIGTERM when the thread that started
// it ends (PR_SET_PDEATHSIG), which includes the case that this process is killed. So the
// child can still write out its data.
func own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
