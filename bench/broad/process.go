package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a process of a contestant.
type process struct {
	role string
	cmd  *exec.Cmd
	said bytes.Buffer
	done chan struct{}
	err  error // how it ended; read it only after done is closed
}

func start(role string, env []string, path string, args ...string) (*process, error) {
	p := &process{role: role, cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// ended reports whether the process has ended, and how.
func (p *process) ended() (bool, error) {
	select {
	case <-p.done:
	default:
		return false, nil
	}
	if p.err == nil {
		return true, nil
	}
	said := p.said.String()
	return true, fmt.Errorf("%s: %w: %s", p.role, p.err, said[max(0, len(said)-2000):])
}

// stop asks the process to end, and kills it if it does not.
func (p *process) stop() error {
	const patience = 30 * time.Second
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return nil
}

// cpu returns the processor time that the process has taken (proc_pid_stat(5), fields 14 and 15), and
// peak the most memory that it had, in bytes (VmHWM; 0 if it has ended).
func (p *process) cpu() (took time.Duration, peak int64) {
	if over, _ := p.ended(); over {
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), 0
	}
	const perSecond = 100 // USER_HZ, on all that Linux runs on
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	end := bytes.LastIndexByte(text, ')')
	if err != nil || end < 0 {
		return 0, 0
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 13 {
		return 0, 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ = strings.Cut(line, "kB")
	kilobytes, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return time.Duration(user+system) * time.Second / perSecond, kilobytes << 10
}
