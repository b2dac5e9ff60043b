package testfleet

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// cgroupRoot is where Linux mounts its control groups (cgroups(7)).
const cgroupRoot = "/sys/fs/cgroup"

// Cage is a Linux control group that limits the memory of its processes in total,
// including page cache. The kernel kills a process that needs more. It is removed at the
// end of the test.
type Cage struct {
	dir string
	two bool // control groups version 2
}

// NewCage creates a cage. The error says why that is not possible: the system is not
// Linux, or the test lacks the permission.
func NewCage(t testing.TB, bytes int64) (*Cage, error) {
	t.Helper()
	c := &Cage{}
	parent := filepath.Join(cgroupRoot, "memory")
	if text, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers")); err == nil {
		if !strings.Contains(string(text), "memory") {
			return nil, errors.New("the control groups of this system do not account for memory")
		}
		c.two, parent = true, cgroupRoot
		// It may be enabled already.
		_ = os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+memory"), 0)
	}
	var err error
	if c.dir, err = os.MkdirTemp(parent, "trawl-test-"); err != nil {
		return nil, fmt.Errorf("a control group cannot be created: %w", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(c.dir); err != nil {
			t.Errorf("remove a control group: %v", err)
		}
	})
	limit := []byte(strconv.FormatInt(bytes, 10))
	if err := c.write("memory.max", "memory.limit_in_bytes", limit); err != nil {
		return nil, fmt.Errorf("a memory limit cannot be set: %w", err)
	}
	// Fails if there is no swap.
	_ = c.write("memory.swap.max", "memory.memsw.limit_in_bytes",
		map[bool][]byte{true: []byte("0"), false: limit}[c.two])
	return c, nil
}

// file returns the path of a file of the group, which has different names in version 2
// and version 1.
func (c *Cage) file(two, one string) string {
	if c.two {
		return filepath.Join(c.dir, two)
	}
	return filepath.Join(c.dir, one)
}

func (c *Cage) write(two, one string, text []byte) error {
	return os.WriteFile(c.file(two, one), text, 0)
}

// Kills returns how many processes in the cage the kernel has killed.
func (c *Cage) Kills() (int, error) {
	text, err := os.ReadFile(c.file("memory.events", "memory.oom_control"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
			return strconv.Atoi(strings.TrimSpace(n))
		}
	}
	return 0, fmt.Errorf("%s has no count of kills", c.dir)
}

// Full returns the peak memory of the processes in the cage, including memory that the
// kernel could reclaim.
func (c *Cage) Full() (bytes int64, err error) {
	text, err := os.ReadFile(c.file("memory.peak", "memory.max_usage_in_bytes"))
	n, parsed := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, cmp.Or(err, parsed)
}

// command returns a command line that runs another one within the cage.
func (c *Cage) command(line []string) []string {
	const enter = `echo $$ > "$0" && exec "$@"`
	return append([]string{"/bin/sh", "-c", enter, filepath.Join(c.dir, "cgroup.procs")}, line...)
}
