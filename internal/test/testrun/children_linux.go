package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// look is how often watch looks at the children of a process. What a child does after the last look
// is missing from its time.
const look = 200 * time.Millisecond

// ticks is the number of clock ticks a second in /proc/PID/stat (proc_pid_stat(5)), which is the
// same on all architectures that Go supports.
const ticks = 100

// watch looks at the children of a process until done is closed, and returns all that it saw.
func watch(pid int, done <-chan struct{}) []child {
	seen := make(map[int]*child) // by process; nil for those with another parent
	var children []child
	for ticker := time.NewTicker(look); ; {
		select {
		case <-done:
			ticker.Stop()
			for _, c := range seen {
				if c != nil {
					children = append(children, *c)
				}
			}
			return children
		case <-ticker.C:
			children = slices.Concat(children, update(seen, pid))
		}
	}
}

// update reads the processor time of the children of a process. It returns those that have ended,
// and forgets them.
func update(seen map[int]*child, parent int) (ended []child) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	alive := make(map[int]bool)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		alive[pid] = true
		if c, known := seen[pid]; !known || c != nil {
			seen[pid] = refresh(c, pid, parent)
		}
	}
	for pid, c := range seen {
		if alive[pid] {
			continue
		}
		if c != nil {
			ended = append(ended, *c)
		}
		delete(seen, pid)
	}
	return ended
}

// refresh returns a child with the time that it has taken so far. c is nil when the process is seen
// for the first time; the result is nil if it has another parent.
func refresh(c *child, pid, parent int) *child {
	folder := fmt.Sprintf("/proc/%d", pid)
	stat, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return c
	}
	of, took, err := parseStat(stat)
	if err != nil || of != parent {
		return c
	}
	if c == nil {
		c = &child{}
	}
	c.took = max(c.took, took)
	// Between fork and exec, a process is still the program of its parent.
	if program, err := os.Readlink(folder + "/exe"); err == nil && c.dir == "" && !strings.HasSuffix(program, "/go") {
		c.program = filepath.Base(strings.TrimSuffix(program, " (deleted)"))
		c.dir, _ = os.Readlink(folder + "/cwd")
	}
	return c
}

// waitedFor returns the processor time of all processes that this one has waited for, and of those
// that these have waited for (getrusage(2), RUSAGE_CHILDREN).
func waitedFor() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// parseStat returns the parent of a process and the processor time that it and the children that it
// waited for have taken, from its line in /proc/PID/stat (proc_pid_stat(5)).
func parseStat(stat []byte) (parent int, took time.Duration, err error) {
	// The second field, the name of the program in parentheses, may contain spaces.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 15 {
		return 0, 0, fmt.Errorf("%q has fewer than 17 fields", stat)
	}
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return 0, 0, fmt.Errorf("the parent process in %q: %w", stat, err)
	}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("a time in %q: %w", stat, err)
		}
		took += time.Duration(n) * time.Second / ticks
	}
	return parent, took, nil
}
