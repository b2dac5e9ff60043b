package redisd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parentEnv names the environment variable that makes the test binary the parent of a server: it
// starts the server in the folder that the variable holds, and waits until it is killed.
const parentEnv = "TRAWL_TEST_REDISD_PARENT_OF"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentEnv); dir != "" {
		runParent(dir)
	}
	os.Exit(m.Run())
}

func runParent(dir string) {
	s, err := Start(context.Background(), Config{Dir: dir, Persist: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.Pid())
	<-s.Done()
	os.Exit(0)
}

func TestAServerDiesWithItsParent(t *testing.T) {
	t.Parallel()
	needServer(t)
	dir := t.TempDir()
	parent, pid := startParent(t, dir)
	if !alive(pid) {
		t.Fatalf("server %d has ended before its parent was killed", pid)
	}
	if err := parent.Kill(); err != nil {
		t.Fatal(err)
	}
	for ticker := time.NewTicker(tick); alive(pid); {
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatalf("server %d has survived its parent", pid)
		}
	}
	s := start(t, Config{Dir: dir})
	set(t, s, "bream", "caught")
}

// startParent runs this test binary as the parent of a server, and returns it with the server's
// process ID.
func startParent(t *testing.T, dir string) (*os.Process, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var pid int
	if _, err := fmt.Fscanln(out, &pid); err != nil {
		t.Fatalf("the parent does not print the process ID of its server: %v", err)
	}
	return cmd.Process, pid
}

// alive reports whether a process runs. A process that has exited but was not waited for by its
// parent (state Z in proc_pid_stat(5)) does not run.
func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(state, []byte("Z"))
}

func TestAServerIsOutOfReachOfCtrlC(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Dir: t.TempDir()})
	group, err := syscall.Getpgid(s.Pid())
	if err != nil {
		t.Fatal(err)
	}
	if group != s.Pid() {
		t.Errorf("process group is %d, want its own group %d", group, s.Pid())
	}
}

// startOrphan starts a server as Start does, but with no parent: it keeps running when its parent has
// released its folder, as a server does on a system without PR_SET_PDEATHSIG.
func startOrphan(t *testing.T, cfg Config) *exec.Cmd {
	t.Helper()
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	h, err := claim(t.Context(), cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer h.leave()
	key, err := h.vacate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	socket, err := h.newSocket()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(cfg, socket, nil, key)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if err := h.remember(address{cmd.Process.Pid, socket}); err != nil {
		t.Fatal(err)
	}
	s := &Server{cfg: cfg, home: h, socket: socket, cmd: cmd, done: make(chan struct{})}
	if err := s.answers(t.Context()); err != nil {
		t.Fatal(err)
	}
	set(t, s, "bream", "caught")
	return cmd
}

func TestAServerThatSurvivedItsParentIsReplaced(t *testing.T) {
	t.Parallel()
	needServer(t)
	cfg := Config{Dir: t.TempDir(), Persist: true}
	left := startOrphan(t, cfg)
	s := start(t, cfg)
	if err := left.Wait(); err != nil {
		t.Errorf("the remaining server exited with %v, want a clean exit", err)
	}
	if got := get(t, s, "bream"); got != "caught" {
		t.Errorf("the new server has %q, want %q", got, "caught")
	}
}

func TestAServerThatSurvivedAndCannotBeReachedIsLeftAlone(t *testing.T) {
	t.Parallel()
	needServer(t)
	dir := t.TempDir()
	left := startOrphan(t, Config{Dir: dir})
	if err := os.RemoveAll(filepath.Dir((&home{dir: dir}).recall().Socket)); err != nil {
		t.Fatal(err)
	}
	h, err := claim(t.Context(), dir) // which may take longer than the server is waited for here
	if err != nil {
		t.Fatal(err)
	}
	defer h.leave()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = h.vacate(ctx)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", left.Process.Pid)) {
		t.Errorf("error is %v, want it to name process %d", err, left.Process.Pid)
	}
	if !alive(left.Process.Pid) {
		t.Error("the server was killed")
	}
}

func TestAStaleAddressIsIgnored(t *testing.T) {
	t.Parallel()
	needServer(t)
	stranger := start(t, Config{Dir: t.TempDir()})
	set(t, stranger, "bream", "caught")

	// A copy of the folder of a running server names that server.
	dir := t.TempDir()
	_, socket := stranger.Addr()
	if err := (&home{dir: dir}).remember(address{stranger.Pid(), socket}); err != nil {
		t.Fatal(err)
	}
	start(t, Config{Dir: dir})
	if got := get(t, stranger, "bream"); got != "caught" {
		t.Errorf("the server of another folder has %q, want %q", got, "caught")
	}
}
