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

// cgroupRoot is where Linux shows its control groups (cgroups(7)).
const cgroupRoot = "/sys/fs/cgroup"

// Cage is a control group of Linux whose processes may have so much memory
// together, page cache and all; the kernel kills what asks for more. It ends with
// the test.
type Cage struct {
	dir string
	two bool // of version 2
}

// NewCage makes a cage. The error says why there is none on this system: it is
// no Linux, or the test may not make one.
func NewCage(t testing.TB, bytes int64) (*Cage, error) {
	t.Helper()
	c := &Cage{}
	parent := filepath.Join(cgroupRoot, "memory")
	if text, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers")); err == nil {
		if !strings.Contains(string(text), "memory") {
			return nil, errors.New("the control groups of this system do not count memory")
		}
		c.two, parent = true, cgroupRoot
		_ = os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+memory"), 0) // it may be on
	}
	var err error
	if c.dir, err = os.MkdirTemp(parent, "trawl-test-"); err != nil {
		return nil, fmt.Errorf("no control group can be made: %w", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(c.dir); err != nil {
			t.Errorf("remove a control group: %v", err)
		}
	})
	limit := []byte(strconv.FormatInt(bytes, 10))
	if err := c.write("memory.max", "memory.limit_in_bytes", limit); err != nil {
		return nil, fmt.Errorf("no limit of memory can be set: %w", err)
	}
	_ = c.write("memory.swap.max", "memory.memsw.limit_in_bytes", map[bool][]byte{true: []byte("0"), false: limit}[c.two]) // there may be no swap
	return c, nil
}

// file is the path of one of the files of the group, by its name in version 2
// and in version 1.
func (c *Cage) file(two, one string) string {
	if c.two {
		return filepath.Join(c.dir, two)
	}
	return filepath.Join(c.dir, one)
}

func (c *Cage) write(two, one string, text []byte) error {
	return os.WriteFile(c.file(two, one), text, 0)
}

// Kills returns how many processes the kernel has killed in the cage.
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
	return 0, fmt.Errorf("%s does not tell", c.dir)
}

// Full returns the most memory that the processes of the cage had together, with
// what the kernel would give up.
func (c *Cage) Full() (bytes int64, err error) {
	text, err := os.ReadFile(c.file("memory.peak", "memory.max_usage_in_bytes"))
	n, parsed := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, cmp.Or(err, parsed)
}

// command is a command line that is carried out within the cage.
func (c *Cage) command(line []string) []string {
	const enter = `echo $$ > "$0" && exec "$@"`
	return append([]string{"/bin/sh", "-c", enter, filepath.Join(c.dir, "cgroup.procs")}, line...)
}
