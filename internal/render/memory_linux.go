package render

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory returns how much memory a process and its descendants take together, and each process that
// runs pages. It counts private and shared memory, but not mapped files.
func memory(root int) (total int64, pages map[int]int64) {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name of the program is in parentheses and may contain anything (proc(5)).
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	pages = map[int]int64{}
	for family := []int{root}; len(family) > 0; {
		pid := family[0]
		family = append(family[1:], children[pid]...)
		taken := resident(pid)
		total += taken
		line, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if bytes.Contains(line, []byte("--type=renderer")) {
			pages[pid] = taken
		}
	}
	return total, pages
}

// resident returns the memory of a process in bytes, 0 if it has ended.
func resident(pid int) (sum int64) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if name == "RssAnon" || name == "RssShmem" {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			sum += kilobytes << 10
		}
	}
	return sum
}

// available returns how much memory this process and its children may still take: what the
// machine has left, within the limit of its control group. 0 means that this is not known.
func available() int64 {
	left := int64(0)
	text, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			left = kilobytes << 10
		}
	}
	// A container sees its own group at the root (cgroups(7)).
	limit, known := number("/sys/fs/cgroup/memory.max")
	used, _ := number("/sys/fs/cgroup/memory.current")
	if known && (left == 0 || limit-used < left) {
		left = limit - used
	}
	return left
}

// number reads a file that holds a number.
func number(file string) (int64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is no number
	return n, err == nil
}
