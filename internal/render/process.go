package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// isolation is how a browser is isolated from the machine, in addition to its command line.
type isolation struct {
	user    bool // a user namespace, in which it is not root
	network bool // a network namespace without interfaces
	sandbox bool // Chromium's own sandbox around the processes of pages
}

// String names the isolation for logs.
func (i isolation) String() string {
	var parts []string
	for name, on := range map[string]bool{"user namespace": i.user, "no network": i.network, "sandbox": i.sandbox} {
		if on {
			parts = append(parts, name)
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// process is a browser that this process started. It dies with this process.
type process struct {
	cmd     *exec.Cmd
	profile *profile
	said    *lastWords
	done    chan struct{} // closed when the process has ended and its status was read
	wire    wire
}

// launch starts a browser. It does not wait until the browser answers.
func launch(ctx context.Context, path, parent string, how isolation, heap int64) (*process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	profile, err := newProfile(parent)
	if err != nil {
		return nil, err
	}
	p := &process{profile: profile, said: &lastWords{}, done: make(chan struct{})}
	if err := p.start(path, how, heap); err != nil {
		profile.remove()
		return nil, fmt.Errorf("start the browser %q: %w", path, err)
	}
	return p, nil
}

func (p *process) start(path string, how isolation, heap int64) error {
	commandsOut, commandsIn, err := os.Pipe()
	if err != nil {
		return err
	}
	answersOut, answersIn, err := os.Pipe()
	if err != nil {
		return errors.Join(err, commandsOut.Close(), commandsIn.Close())
	}
	p.cmd = exec.Command(path, arguments(p.profile.dir, how.sandbox, heap)...)
	p.cmd.Env = environment(p.profile.dir)
	p.cmd.Dir = p.profile.dir
	p.cmd.Stderr = p.said
	p.cmd.ExtraFiles = []*os.File{commandsOut, answersIn} // its descriptors 3 and 4
	p.cmd.WaitDelay = startTime
	isolate(p.cmd, how)
	started := make(chan error)
	go p.run(started)
	err = <-started
	commandsOut.Close()
	answersIn.Close()
	if err != nil {
		return errors.Join(err, commandsIn.Close(), answersOut.Close())
	}
	p.wire = newPipe(answersOut, commandsIn)
	return nil
}

// run starts the process and waits for its end, on a thread of its own: Linux kills the process
// when the thread that started it ends.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread() // the thread ends with the goroutine
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // its last words say how it ended
		close(p.done)
	}
}

// kill ends the process and all processes that it started, and removes its profile.
func (p *process) kill() {
	killAll(p.cmd.Process.Pid)
	<-p.done
	p.profile.remove()
}

// environment returns the environment variables of a browser: where programs are, and its own
// folder. The browser runs in that folder and names it ".", because the name of a socket may have
// only 107 bytes.
func environment(dir string) []string {
	env := []string{"HOME=" + dir, "TMPDIR=.", "XDG_CONFIG_HOME=" + dir, "XDG_CACHE_HOME=" + dir,
		"DBUS_SESSION_BUS_ADDRESS=disabled:"}
	for _, name := range []string{
		"PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH",
	} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// lastWords keeps the end of what a browser writes to its standard error. It is safe for
// concurrent use.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, b...)
	if more := len(w.text) - 4096; more > 0 {
		w.text = append(w.text[:0], w.text[more:]...)
	}
	return len(b), nil
}

// last returns the line that says why the browser ended, or else the last one.
func (w *lastWords) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(w.text)), "\n")
	for _, line := range slices.Backward(lines) {
		if strings.Contains(line, ":FATAL:") || strings.Contains(line, "No usable sandbox") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
