package testfleet

import (
	"os/exec"
	"slices"
)

// Run runs a trawl command on the fleet, such as "job", "show", "news", and returns its
// output, of both streams, and its exit status.
func (f *Fleet) Run(args ...string) (said string, status int) {
	f.t.Helper()
	path, err := Binary(false)
	if err != nil {
		f.t.Fatal(err)
	}
	cmd := exec.CommandContext(Patience(f.t), path, args...)
	cmd.Dir, cmd.Env = f.dir, append(slices.Concat(f.env, f.Env), "TRAWL_REDIS="+f.URL())
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		f.t.Fatalf("trawl %q: %v", args, err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
