// These tests run the command as its users do. They build it once and start it as a process in
// its own folder, against sites on loopback addresses that log their requests. Tests that take
// minutes or need an idle machine run only with TRAWL_SLOW=1 in the environment; -short skips
// those that take more than a few seconds.
package main_test

import (
	"context"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// Exit statuses, as documented in the help.
const (
	done        = 0
	failed      = 1
	usage       = 2
	nothing     = 3
	interrupted = 130
)

func TestMain(m *testing.M) { os.Exit(testfleet.Main(m)) }

// skipIfShort skips a test that takes more than a few seconds in a short run.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the test takes a while: run it without -short")
	}
}

// slowTests reports whether tests that take minutes are to run.
func slowTests() bool { return os.Getenv("TRAWL_SLOW") != "" }

// waitForSite waits until the request log of a site meets a condition.
func waitForSite(t testing.TB, site *testsite.Site, condition func(*testsite.Log) bool) {
	t.Helper()
	if err := site.Until(testfleet.Soon(t), condition); err != nil {
		t.Fatal(err)
	}
}

// shell runs commands in a working folder, with an environment without settings of Trawl. Its
// folder for temporary files must be empty when the test ends.
type shell struct {
	t      testing.TB
	dir    string
	env    []string
	stdin  *os.File // of the next command; nil for none
	stdout *os.File // of the next command; nil for process.stdout

	attributes *syscall.SysProcAttr // of the next command; nil for the usual ones

	race bool // whether commands that crawl or serve run with the race detector
}

func newShell(t testing.TB) *shell {
	t.Helper()
	temp, err := os.MkdirTemp("", "t-") // short, since paths of Unix sockets are limited
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t, dir: t.TempDir(), race: raced(t)}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TRAWL_") && !strings.HasPrefix(v, "TMPDIR=") {
			s.env = append(s.env, v)
		}
	}
	s.set("TMPDIR", temp)
	s.set("GORACE", "atexit_sleep_ms=10") // the default is one second per command
	t.Cleanup(func() {
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 && !t.Failed() {
			t.Errorf("the folder for temporary files still has %v (%v)", left, err)
		}
		os.RemoveAll(temp)
	})
	return s
}

// atLength runs the next commands without the race detector, because they crawl many pages in the
// same way: what the detector finds shows in the first of them. make slow runs them with it.
func (s *shell) atLength() { s.race = s.race && allRaced() }

// path returns the path of a file in the working folder.
func (s *shell) path(name string) string { return filepath.Join(s.dir, name) }

// write writes a file in the working folder, or in a folder below it.
func (s *shell) write(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// set sets an environment variable of the next commands.
func (s *shell) set(name, value string) { s.env = append(s.env, name+"="+value) }

// withoutRedis sets PATH to an empty folder, so that redis-server is not found.
func (s *shell) withoutRedis() { s.set("PATH", s.t.TempDir()) }

// withRedis skips the test if there is no redis-server to start.
func (s *shell) withRedis() {
	s.t.Helper()
	if _, ok := redisd.Find(); ok {
		return
	}
	const why = "no redis-server or valkey-server on PATH: install redis-server"
	if os.Getenv("TRAWL_TEST_REDIS") == "required" {
		s.t.Fatal(why + ", and TRAWL_TEST_REDIS=required")
	}
	s.t.Skip(why)
}

// process is a running command.
type process struct {
	t              testing.TB
	ctx            context.Context
	cmd            *exec.Cmd
	started        time.Time
	stdout, stderr *testfleet.Transcript
	exited         chan struct{} // closed when it has ended
	took           time.Duration // valid after that
}

// concurrent reports whether a command crawls or serves, so that the race detector can find
// something. The other commands are sequential, and several times slower with the detector.
func concurrent(args []string) bool {
	for _, command := range []string{"crawl", "fetch", "worker", "scheduler", "dashboard"} {
		if slices.Contains(args, command) {
			return true
		}
	}
	return false
}

// raced reports whether the commands of a test run with the race detector: if there is such a
// command (testfleet.HasRaced), those of about a sixth of the tests and of the parts of tests do,
// since all crawls share the same code and the detector makes each several times slower. With
// TRAWL_RACE=all in the environment, as in make slow, all do.
func raced(t testing.TB) bool {
	return testfleet.HasRaced() && (allRaced() || crc32.ChecksumIEEE([]byte(t.Name()))%6 == 0)
}

// allRaced reports whether all commands that crawl or serve run with the race detector.
func allRaced() bool { return os.Getenv("TRAWL_RACE") == "all" }

// start starts trawl with arguments, with the race detector if the command is concurrent and the
// test is one of those that use it. The process is killed when the test ends.
func (s *shell) start(args ...string) *process {
	s.t.Helper()
	path, err := testfleet.Binary(concurrent(args) && s.race)
	if err != nil {
		s.t.Fatal(err)
	}
	p := &process{t: s.t, ctx: testfleet.Patience(s.t), stdout: testfleet.NewTranscript(),
		stderr: testfleet.NewTranscript(), exited: make(chan struct{})}
	p.cmd = exec.CommandContext(p.ctx, path, args...)
	p.cmd.Dir, p.cmd.Env = s.dir, s.env
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if s.stdin != nil {
		p.cmd.Stdin = s.stdin
	}
	if s.stdout != nil {
		p.cmd.Stdout = s.stdout
	}
	p.cmd.SysProcAttr = s.attributes
	s.stdin, s.stdout, s.attributes = nil, nil, nil
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
		p.took = time.Since(p.started)
	}()
	s.t.Cleanup(p.kill)
	return p
}

// run runs trawl to its end.
func (s *shell) run(args ...string) commandResult {
	s.t.Helper()
	return s.start(args...).wait()
}

// signal sends a signal to the process.
func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatalf("signal %v: %v; it said\n%s", sig, err, p.stderr.Text())
	}
}

// kill kills the process and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// waitForOutput waits until standard error contains a text.
func (p *process) waitForOutput(what string) {
	p.t.Helper()
	p.waitForOutputs(1, what)
}

// waitForOutputs waits until standard error contains a text n times.
func (p *process) waitForOutputs(n int, what string) {
	p.t.Helper()
	for {
		changed := p.stderr.Changes()
		if strings.Count(p.stderr.Text(), what) >= n {
			return
		}
		select {
		case <-changed:
		case <-p.exited:
			if strings.Count(p.stderr.Text(), what) < n {
				p.t.Fatalf("trawl ended and never said %q, but\n%s", what, p.stderr.Text())
			}
			return
		}
	}
}

// waitSoon waits for the end of a process that should end soon.
func (p *process) waitSoon() commandResult {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-testfleet.Soon(p.t).Done():
		p.t.Fatalf("trawl does not end; it said\n%s", p.stderr.Text())
	}
	return p.wait()
}

// commandResult is the result of a command that has ended.
type commandResult struct {
	t              testing.TB
	status         int // -1 when it was killed
	stdout, stderr string
	took           time.Duration
	at             time.Time
}

// wait waits for the end of the process.
func (p *process) wait() commandResult {
	p.t.Helper()
	<-p.exited
	if p.ctx.Err() != nil {
		p.t.Fatalf("trawl did not end in time; it said\n%s", p.stderr.Text())
	}
	status := p.cmd.ProcessState
	if s, ok := status.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() != syscall.SIGKILL {
		p.t.Errorf("trawl was ended by a signal: %v", s.Signal())
	}
	return commandResult{p.t, status.ExitCode(), p.stdout.Text(), p.stderr.Text(), p.took, p.started.Add(p.took)}
}

// exits checks the exit status, and that standard error contains some texts.
func (e commandResult) exits(status int, saying ...string) commandResult {
	e.t.Helper()
	if e.status != status {
		e.t.Fatalf("trawl exits with %d, want %d; it said\n%s", e.status, status, e.stderr)
	}
	for _, want := range saying {
		if !strings.Contains(e.stderr, want) {
			e.t.Errorf("trawl does not say %q, but\n%s", want, e.stderr)
		}
	}
	return e
}
