package testfleet

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is a running scheduler or worker. Its methods are safe for concurrent use.
type Process struct {
	Name string // for a worker, its name in records and in the frontier

	t     testing.TB
	cmd   *exec.Cmd
	log   *Transcript
	ended chan struct{}
}

// start starts the command. At the end of the test the process is killed, and if the test
// failed, its log is shown.
func (f *Fleet) start(name string, args ...string) *Process {
	f.t.Helper()
	return f.startIn(nil, name, args...)
}

// startIn starts the command within a cage, if there is one.
func (f *Fleet) startIn(cage *Cage, name string, args ...string) *Process {
	f.t.Helper()
	path, err := f.Command, error(nil)
	if path == "" {
		path, err = Binary(false)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	p := &Process{Name: name, t: f.t, log: NewTranscript(), ended: make(chan struct{})}
	line := append([]string{path}, args...)
	if cage != nil {
		line = cage.command(line)
	}
	p.cmd = exec.Command(line[0], line[1:]...)
	p.cmd.Dir, p.cmd.Env = f.dir, slices.Concat(f.env, f.Env)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
		if status := p.cmd.ProcessState.ExitCode(); status > 0 { // it was not killed, and not asked to end
			f.fail(fmt.Errorf("%s ended by itself with %d", name, status))
		}
	}()
	f.t.Cleanup(p.tidy)
	return p
}

// tidy kills the process at the end of the test.
func (p *Process) tidy() {
	p.Kill()
	if p.t.Failed() {
		p.t.Logf("%s (process %d) logged\n%s", p.Name, p.cmd.Process.Pid, lastLines(p.log.Text()))
	}
}

// lastLines shortens a log that is too long to read.
func lastLines(log string) string {
	const most = 8 << 10
	if len(log) <= most {
		return log
	}
	return "…" + log[len(log)-most:]
}

// Kill kills the process (SIGKILL) and waits for its end. It may be called after the
// process has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Signal sends a signal to the process, such as SIGCONT or SIGTERM. After SIGSTOP it waits until
// the process has stopped: on a busy machine its threads may continue for a while.
func (p *Process) Signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Errorf("signal %v to %s: %v", sig, p.Name, err)
		return
	}
	for sig == syscall.SIGSTOP && !p.stopped() {
		select {
		case <-time.After(time.Millisecond):
		case <-p.ended:
			return
		case <-Soon(p.t).Done():
			p.t.Errorf("%s does not stop", p.Name)
			return
		}
	}
}

// stopped reports whether the kernel has stopped all threads of the process.
func (p *Process) stopped() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if _, state, _ := strings.Cut(string(stat), ") "); err == nil && !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

// Terminate asks the process to end (SIGTERM) and returns how long that took. A status
// other than 0 fails the test.
func (p *Process) Terminate() time.Duration {
	p.t.Helper()
	told := time.Now()
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-Soon(p.t).Done():
		p.t.Errorf("%s does not exit", p.Name)
		return time.Since(told)
	}
	took := time.Since(told)
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		p.t.Errorf("%s exits with %d, want 0", p.Name, status)
	}
	return took
}

// PID returns the ID of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Lives reports whether the process has not ended.
func (p *Process) Lives() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Log returns what the process has logged so far.
func (p *Process) Log() string { return p.log.Text() }

// Says waits until the process has logged a text.
func (p *Process) Says(what string) {
	p.t.Helper()
	p.wait(func(log string) bool { return strings.Contains(log, what) }, what)
}

// wait waits until the log satisfies a condition.
func (p *Process) wait(condition func(log string) bool, what string) {
	p.t.Helper()
	soon := Soon(p.t)
	for {
		changed := p.log.Changes()
		if condition(p.log.Text()) {
			return
		}
		select {
		case <-changed:
		case <-p.ended:
			if !condition(p.log.Text()) {
				p.t.Fatalf("%s exited without logging %q", p.Name, what)
			}
			return
		case <-soon.Done():
			p.t.Fatalf("%s does not log %q", p.Name, what)
		}
	}
}

var listens = regexp.MustCompile(`msg=started listen=(\S+)`)

// Address returns the address of the process's health endpoints.
func (p *Process) Address() string {
	p.t.Helper()
	p.wait(listens.MatchString, "started listen=")
	return listens.FindStringSubmatch(p.log.Text())[1]
}

// ready waits until /readyz of the process answers with 200.
func (p *Process) ready() *Process {
	p.t.Helper()
	const every = 10 * time.Millisecond
	url := "http://" + p.Address() + "/readyz"
	tick := time.NewTicker(every)
	defer tick.Stop()
	soon := Soon(p.t)
	for {
		err := ask(url)
		if err == nil {
			return p
		}
		select {
		case <-tick.C:
		case <-p.ended:
			p.t.Fatalf("%s exited before it was ready: %v", p.Name, err)
		case <-soon.Done():
			p.t.Fatalf("%s does not become ready: %v", p.Name, err)
		}
	}
}

func ask(url string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s responds with %d: %s", url, resp.StatusCode, body)
	}
	return nil
}
