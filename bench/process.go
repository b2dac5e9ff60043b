package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// usage is what processes took from the machine, with all that they started.
type usage struct {
	cpu   time.Duration // user and system
	redis time.Duration // of cpu, what redis-servers took
	peak  int64         // bytes: the most that each process had resident, added up
}

// family is a group of processes that belong to one trial, and their
// descendants. What they write to standard error is kept to be shown.
type family struct {
	mu      sync.Mutex
	members []*process
	peaks   map[int]int64         // VmHWM, by pid
	redis   map[int]time.Duration // of redis-servers that are descendants, by pid
	quit    chan struct{}
	watcher sync.WaitGroup
}

// process is one that we started.
type process struct {
	name string
	cmd  *exec.Cmd
	said *tail
	done chan struct{}
	err  error // how it ended; to be read after done is closed
}

// watchEvery is how often processes are looked at.
const watchEvery = 50 * time.Millisecond

func newFamily() *family {
	f := &family{peaks: map[int]int64{}, redis: map[int]time.Duration{}, quit: make(chan struct{})}
	f.watcher.Go(f.watch)
	return f
}

// start starts a process of the family, with env set besides our environment.
func (f *family) start(env []string, path string, args ...string) (*process, error) {
	p := &process{name: filepath.Base(path), cmd: exec.Command(path, args...), said: new(tail),
		done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members = append(f.members, p)
	return p, nil
}

// run starts a process and waits until it ends well.
func (f *family) run(ctx context.Context, env []string, path string, args ...string) error {
	p, err := f.start(env, path, args...)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.failure()
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", p.name, context.Cause(ctx))
	}
}

// failure says how a process ended that should have ended well; nil if it has.
func (p *process) failure() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %s", p.name, p.err, p.said)
}

// end stops the processes that still run, the last one first, and says what all
// of them took.
func (f *family) end() (usage, error) {
	var errs []error
	for i := len(f.members) - 1; i >= 0; i-- {
		errs = append(errs, f.members[i].stop())
	}
	close(f.quit)
	f.watcher.Wait()
	var u usage
	for _, p := range f.members {
		cpu := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
		u.cpu += cpu
		if p.name == "redis-server" {
			u.redis += cpu
		}
	}
	for _, t := range f.redis {
		u.redis += t
	}
	for _, bytes := range f.peaks {
		u.peak += bytes
	}
	return u, errors.Join(errs...)
}

// peakOf is the most that processes of a name, which we started, had resident, in
// bytes.
func (f *family) peakOf(name string) (sum int64) {
	for _, p := range f.members {
		if p.name == name {
			sum = max(sum, f.peaks[p.cmd.Process.Pid])
		}
	}
	return sum
}

// stop asks a process to end, and kills it and its descendants if it does not.
func (p *process) stop() error {
	const patience = 20 * time.Second
	select {
	case <-p.done:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
		return fmt.Errorf("%s did not end, and was killed", p.name)
	}
}

// watch looks at the processes until the family ends.
func (f *family) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.quit:
			return
		case <-tick.C:
		}
		f.mu.Lock()
		members := f.members
		f.mu.Unlock()
		for _, p := range members {
			select {
			case <-p.done:
			default:
				f.look(p.cmd.Process.Pid, true)
			}
		}
	}
}

// look notes the memory of a process and of its descendants, and the time of
// those that are redis-servers. A process that ends meanwhile is left out.
func (f *family) look(pid int, ours bool) {
	if bytes := residentPeak(pid); bytes > 0 {
		f.peaks[pid] = bytes
	}
	if name, cpu := nameAndTime(pid); !ours && name == "redis-server" {
		f.redis[pid] = cpu
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for child := range strings.FieldsSeq(string(text)) {
			if id, err := strconv.Atoi(child); err == nil {
				f.look(id, false)
			}
		}
	}
}

// residentPeak is the VmHWM of a process in bytes (proc_pid_status(5)).
func residentPeak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ = strings.Cut(line, "kB")
	kilobytes, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kilobytes << 10
}

// nameAndTime reads the name of a process and the time it took (proc_pid_stat(5),
// fields 2, 14 and 15).
func nameAndTime(pid int) (string, time.Duration) {
	const perSecond = 100 // USER_HZ, on all that Linux runs on
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if err != nil || open < 0 || end < open {
		return "", 0
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 13 {
		return "", 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return string(text[open+1 : end]), time.Duration(user+system) * time.Second / perSecond
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 2 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
