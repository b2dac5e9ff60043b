package render

import (
	"os"
	"os/exec"
	"syscall"
)

// isolations returns the ways to isolate a browser from the machine, the best first. Only trying
// tells which of them the kernel allows. Chromium refuses to run its sandbox as root.
func isolations() []isolation {
	root := os.Geteuid() == 0
	ways := []isolation{{user: true, network: true, sandbox: true}}
	if !root {
		ways = append(ways, isolation{sandbox: true})
	}
	return append(ways, isolation{user: !root, network: true}, isolation{})
}

// unprivileged is the user ID of a browser in its user namespace, if this process is root.
const unprivileged = 1000

// isolate makes a browser die with the thread that starts it, and gives it its namespaces.
func isolate(cmd *exec.Cmd, how isolation) {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if how.network {
		attr.Cloneflags |= syscall.CLONE_NEWNET
	}
	if how.user {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: as(os.Geteuid()), HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: as(os.Getegid()), HostID: os.Getegid(), Size: 1}}
	}
	cmd.SysProcAttr = attr
}

// as returns the ID within a user namespace for one outside.
func as(id int) int {
	if id == 0 {
		return unprivileged
	}
	return id
}
