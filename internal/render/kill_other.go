//go:build !unix

package render

import (
	"errors"
	"os"
	"os/exec"
)

// errLocal says why this process cannot start browsers.
var errLocal = errors.New("on this system, browsers must be remote: name the address of one (ws://…)")

func isolations() []isolation { return nil }

func isolate(*exec.Cmd, isolation) {}

func killAll(pid int) { killOne(pid) }

func killOne(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}
