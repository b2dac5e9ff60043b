package testfleet

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

var serves = regexp.MustCompile(`the dashboard is at (http://[^/]+)/`)

// Dashboard starts a dashboard, waits until it serves, and returns it with its URL.
func (f *Fleet) Dashboard(flags ...string) (p *Process, url string) {
	f.t.Helper()
	p = f.start("dashboard", append([]string{"dashboard", "--redis", f.URL(), "--listen", "127.0.0.1:0"}, flags...)...)
	p.wait(serves.MatchString, "the dashboard is at")
	return p, serves.FindStringSubmatch(p.log.Text())[1]
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// PeakMemory returns the peak memory of the process in bytes, or false if the system does
// not report it (proc(5): VmHWM).
func (p *Process) PeakMemory() (bytes int64, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, false
	}
	match := highWater.FindSubmatch(text)
	if match == nil {
		return 0, false
	}
	kilobytes, err := strconv.ParseInt(string(match[1]), 10, 64)
	return kilobytes << 10, err == nil
}
