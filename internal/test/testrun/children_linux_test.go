package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestAProcessIsSeenWithItsFolderAndTimeUntilItHasEnded(t *testing.T) {
	t.Parallel()
	const busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done; read line"
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh: install a shell")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(shell, "-c", busy)
	cmd.Dir = dir
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	seen := make(map[int]*child)
	update(seen, os.Getpid())
	c := seen[cmd.Process.Pid]
	if c == nil {
		t.Fatal("the process is not seen")
	}
	program, err := filepath.EvalSymlinks(shell)
	if err != nil {
		t.Fatal(err)
	}
	if c.program != filepath.Base(program) || c.dir != dir || c.took <= 0 {
		t.Errorf("seen is %+v, want %q in %q with a time", *c, filepath.Base(program), dir)
	}
	stdin.Close()
	cmd.Wait() // read fails at the end of its input
	ended := update(seen, os.Getpid())
	if len(ended) == 0 || seen[cmd.Process.Pid] != nil {
		t.Errorf("the process that has ended is kept; ended are %+v", ended)
	}
	if waitedFor() <= 0 {
		t.Error("no time was taken by processes that have ended")
	}
}

func TestTheTimeOfAProcessIncludesThatOfItsChildren(t *testing.T) {
	t.Parallel()
	const line = "4242 (odd) name (x) S 17 4242 21446 0 -1 4194304 99 0 0 0 100 20 3000 4 20 0 1 0 120854 3133440 360\n"
	parent, took, err := parseStat([]byte(line))
	if parent != 17 || took != 31240*time.Millisecond || err != nil {
		t.Errorf("parent %d, time %v, %v", parent, took, err)
	}
	for _, bad := range []string{"", "1 (a) S 1 2", "1 (a) S x 2 3 4 5 6 7 8 9 1 2 3 4 5 6",
		"1 (a) S 1 2 3 4 5 6 7 8 9 1 2 3 4 x 6"} {
		if _, _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is a line of /proc/PID/stat", bad)
		}
	}
}
