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

// parentOf names, in the environment, the folder of a server that the test
// binary is to start, as its parent, and to stay with until it is killed.
const parentOf = "TRAWL_TEST_REDISD_PARENT_OF"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentOf); dir != "" {
		beParent(dir)
	}
	os.Exit(m.Run())
}

func beParent(dir string) {
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

// startParent runs this test binary as the parent of a server, and returns it
// with the server's process id.
func startParent(t *testing.T, dir string) (*os.Process, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentOf+"="+dir)
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
		t.Fatalf("the parent does not tell the process id of its server: %v", err)
	}
	return cmd.Process, pid
}

// alive reports whether a process runs. One that has ended and waits for its
// parent to hear of it (state Z in proc_pid_stat(5)) does not.
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
		t.Errorf("process group is %d, want one of its own, %d", group, s.Pid())
	}
}

// orphan starts a server as Start does, but as nobody's child: it stays when
// its parent has let go of its home, as a server does on a system without
// PR_SET_PDEATHSIG.
func orphan(t *testing.T, cfg Config) *exec.Cmd {
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

func TestAServerThatSurvivedItsParentIsRelieved(t *testing.T) {
	t.Parallel()
	needServer(t)
	cfg := Config{Dir: t.TempDir(), Persist: true}
	left := orphan(t, cfg)
	s := start(t, cfg)
	if err := left.Wait(); err != nil {
		t.Errorf("the server that was left over ended with %v, want an orderly end", err)
	}
	if got := get(t, s, "bream"); got != "caught" {
		t.Errorf("the new server has %q, want %q", got, "caught")
	}
}

func TestAServerThatSurvivedAndCanNotBeReachedIsLeftAlone(t *testing.T) {
	t.Parallel()
	needServer(t)
	dir := t.TempDir()
	left := orphan(t, Config{Dir: dir})
	h := &home{dir: dir}
	if err := os.RemoveAll(filepath.Dir(h.recall().Socket)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", left.Process.Pid)) {
		t.Errorf("error is %v, want it to name process %d", err, left.Process.Pid)
	}
	if !alive(left.Process.Pid) {
		t.Error("the server was killed")
	}
}

func TestAStaleAddressDisturbsNobody(t *testing.T) {
	t.Parallel()
	needServer(t)
	stranger := start(t, Config{Dir: t.TempDir()})
	set(t, stranger, "bream", "caught")

	// A copy of a folder whose server still runs names that server.
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
