package testfleet

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Browsers returns the processes of browsers that workers of the fleet have started, those of
// workers that have ended included. It needs Linux; elsewhere it returns none.
func (f *Fleet) Browsers() (pids []int) {
	mark := "--user-data-dir=" + filepath.Join(f.tmp, "trawl-browser-")
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well-formed
	for _, file := range files {
		line, _ := os.ReadFile(file) // an error means that it has ended
		if strings.Contains(string(line), mark) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// NoBrowsers waits until no browser of the fleet is left. Its workers must have ended.
func (f *Fleet) NoBrowsers() {
	f.t.Helper()
	soon := Soon(f.t)
	for left := f.Browsers(); len(left) > 0; left = f.Browsers() {
		select {
		case <-soon.Done():
			f.t.Errorf("the browsers %v outlive their workers", left)
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}
