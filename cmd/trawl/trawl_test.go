// These tests run the command as its users do: built once, started as a process
// of its own, in a folder of its own, against sites on loopback addresses whose
// logs tell what was asked for. What takes minutes, or needs a quiet machine to
// say anything, is run with TRAWL_SLOW=1 in the environment; -short leaves out
// what takes more than a few seconds.
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
	"github.com/trawlcrawler/trawl/internal/test/race"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// Exit statuses, as the help promises them.
const (
	done        = 0
	failed      = 1
	usage       = 2
	nothing     = 3
	interrupted = 130
)

func TestMain(m *testing.M) { os.Exit(testfleet.Main(m)) }

// long skips a test that takes more than a few seconds in a short run.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("this takes a while: run it without -short")
	}
}

// slow says whether there is time for minutes, and a quiet machine.
func slow() bool { return os.Getenv("TRAWL_SLOW") != "" }

// until waits until a site's log of requests is as the condition wishes.
func until(t testing.TB, site *testsite.Site, condition func(*testsite.Log) bool) {
	t.Helper()
	if err := site.Until(testfleet.Soon(t), condition); err != nil {
		t.Fatal(err)
	}
}

// shell is where a test runs commands: a working folder, an environment without
// settings of Trawl, and a folder for temporary files, in which nothing may be
// left when the test ends.
type shell struct {
	t      testing.TB
	dir    string
	env    []string
	stdin  *os.File // of the next command; nil is empty
	stdout *os.File // of the next command; nil is its transcript
}

func newShell(t testing.TB) *shell {
	t.Helper()
	temp, err := os.MkdirTemp("", "t-") // short: sockets lie in it
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t, dir: t.TempDir()}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TRAWL_") && !strings.HasPrefix(v, "TMPDIR=") {
			s.env = append(s.env, v)
		}
	}
	s.set("TMPDIR", temp)
	s.set("GORACE", "atexit_sleep_ms=10") // a second is much for many commands
	t.Cleanup(func() {
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 && !t.Failed() {
			t.Errorf("in the folder for temporary files there is left: %v (%v)", left, err)
		}
		os.RemoveAll(temp)
	})
	return s
}

// path returns the path of a file in the working folder.
func (s *shell) path(name string) string { return filepath.Join(s.dir, name) }

// write makes a file in the working folder.
func (s *shell) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// set gives the commands an environment variable, over the one that is there.
func (s *shell) set(name, value string) { s.env = append(s.env, name+"="+value) }

// withoutRedis takes redis-server from PATH, and everything else.
func (s *shell) withoutRedis() { s.set("PATH", s.t.TempDir()) }

// withRedis skips the test where no private Redis can be started.
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

// process is a command that runs.
type process struct {
	t              testing.TB
	ctx            context.Context
	cmd            *exec.Cmd
	began          time.Time
	stdout, stderr *testfleet.Transcript
	over           chan struct{} // closed when it has ended
	took           time.Duration // to be read after that
}

// concurrent reports whether arguments are those of a command in which the race detector
// can find something: of a process that crawls or serves. Others do one thing after the
// other, and take several times as long with the detector.
func concurrent(args []string) bool {
	for _, command := range []string{"crawl", "fetch", "worker", "scheduler", "dashboard"} {
		if slices.Contains(args, command) {
			return true
		}
	}
	return false
}

// sampled reports whether a test is one of those, about a third, whose commands run with
// the race detector. All crawls share the same code, and each takes several times as long
// with the detector. With TRAWL_RACE=all in the environment, as in make slow, all do.
func sampled(t testing.TB) bool {
	name, _, _ := strings.Cut(t.Name(), "/")
	return os.Getenv("TRAWL_RACE") == "all" || crc32.ChecksumIEEE([]byte(name))%3 == 0
}

// start starts trawl with arguments, with the race detector if the tests run with it, the
// command is concurrent and the test sampled. It is killed at the latest when the test ends.
func (s *shell) start(args ...string) *process {
	s.t.Helper()
	path, err := testfleet.Binary(race.Enabled && concurrent(args) && sampled(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	p := &process{t: s.t, ctx: testfleet.Patience(s.t), stdout: testfleet.NewTranscript(),
		stderr: testfleet.NewTranscript(), over: make(chan struct{})}
	p.cmd = exec.CommandContext(p.ctx, path, args...)
	p.cmd.Dir, p.cmd.Env = s.dir, s.env
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if s.stdin != nil {
		p.cmd.Stdin = s.stdin
	}
	if s.stdout != nil {
		p.cmd.Stdout = s.stdout
	}
	s.stdin, s.stdout = nil, nil
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.over)
		_ = p.cmd.Wait()
		p.took = time.Since(p.began)
	}()
	s.t.Cleanup(p.kill)
	return p
}

// run runs trawl to its end.
func (s *shell) run(args ...string) ended {
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
	<-p.over
}

// says waits until the process has said something on standard error.
func (p *process) says(what string) {
	p.t.Helper()
	p.saysTimes(1, what)
}

// saysTimes waits until the process has said something n times.
func (p *process) saysTimes(n int, what string) {
	p.t.Helper()
	for {
		changed := p.stderr.Changes()
		if strings.Count(p.stderr.Text(), what) >= n {
			return
		}
		select {
		case <-changed:
		case <-p.over:
			if strings.Count(p.stderr.Text(), what) < n {
				p.t.Fatalf("trawl ended and never said %q, but\n%s", what, p.stderr.Text())
			}
			return
		}
	}
}

// soonEnds waits for the end of a process for which nothing is left to do.
func (p *process) soonEnds() ended {
	p.t.Helper()
	select {
	case <-p.over:
	case <-testfleet.Soon(p.t).Done():
		p.t.Fatalf("trawl does not end; it said\n%s", p.stderr.Text())
	}
	return p.wait()
}

// ended is what a command that has ended leaves.
type ended struct {
	t              testing.TB
	status         int // -1 when it was killed
	stdout, stderr string
	took           time.Duration
	at             time.Time
}

// wait waits for the end of the process.
func (p *process) wait() ended {
	p.t.Helper()
	<-p.over
	if p.ctx.Err() != nil {
		p.t.Fatalf("trawl did not end in time; it said\n%s", p.stderr.Text())
	}
	status := p.cmd.ProcessState
	if s, ok := status.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() != syscall.SIGKILL {
		p.t.Errorf("trawl was ended by a signal: %v", s.Signal())
	}
	return ended{p.t, status.ExitCode(), p.stdout.Text(), p.stderr.Text(), p.took, p.began.Add(p.took)}
}

// exits checks the exit status and that standard error has some texts.
func (e ended) exits(status int, saying ...string) ended {
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
