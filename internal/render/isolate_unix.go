//go:build unix && !linux

package render

import (
	"os/exec"
	"syscall"
)

// isolations returns the ways to isolate a browser from the machine, the best first.
func isolations() []isolation { return []isolation{{sandbox: true}} }

// isolate puts a browser in a process group of its own. If this process is killed, the browser
// ends because its pipe closes.
func isolate(cmd *exec.Cmd, _ isolation) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
