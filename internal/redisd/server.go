package redisd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Server is a running redis-server that belongs to this process. It ends with Stop, with
// Kill, or, on Linux, whenever this process ends. Its methods are safe for concurrent use.
type Server struct {
	cfg     Config
	home    *home
	journal journal
	socket  string
	cmd     *exec.Cmd
	done    chan struct{}
	ending  error // how the process ended; read it only after done is closed
}

// Start starts a server and waits until it answers, which includes loading its data. ctx
// bounds only the start, not the server's life.
//
// If a server in the same folder has survived the process that started it, it is shut down
// first, so that no two servers write the same files. If that process is still alive, the
// error wraps [ErrInUse]. If the server ends instead of answering, the error contains the
// last lines of its log.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	h, err := claim(ctx, cfg.Dir)
	if err != nil {
		return nil, err
	}
	s, err := spawn(ctx, cfg, h)
	if err != nil {
		h.leave()
		return nil, fmt.Errorf("start %q: %w", cfg.Path, err)
	}
	if err := s.answers(ctx); err != nil {
		s.Kill()
		return nil, fmt.Errorf("start %q: %w", cfg.Path, err)
	}
	cfg.Log.Info("redis started", "pid", s.Pid(), "dir", cfg.Dir, "persist", cfg.Persist)
	return s, nil
}

// spawn starts the process of a server in a claimed home.
func spawn(ctx context.Context, cfg Config, h *home) (*Server, error) {
	key, err := h.vacate(ctx)
	if err != nil {
		return nil, err
	}
	defer key.Close() // the server has inherited it by then
	j, log, err := openJournal(h.dir)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	socket, err := h.newSocket()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, home: h, journal: j, socket: socket, done: make(chan struct{})}
	s.cmd = command(cfg, socket, log, key)
	own(s.cmd)
	started := make(chan error)
	go s.run(started)
	return s, <-started
}

// command returns the server's process, which inherits the lock on its home.
func command(cfg Config, socket string, log, key *os.File) *exec.Cmd {
	cmd := exec.Command(cfg.Path, cfg.arguments(socket)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{key}
	return cmd
}

// run starts the process and waits for its end. It stays on one thread, because the kernel
// treats the end of the thread that forked as the death of the parent.
func (s *Server) run(started chan<- error) {
	runtime.LockOSThread()
	if err := s.cmd.Start(); err != nil {
		s.home.forget()
		started <- err
		return
	}
	_ = s.home.remember(address{s.Pid(), s.socket}) // the socket, which matters, is stored already
	started <- nil
	s.ending = s.cmd.Wait()
	s.home.forget()
	s.home.leave()
	close(s.done)
}

// answers waits until the server answers PING, or has ended.
func (s *Server) answers(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		answer, err := ask(ctx, s.socket, "PING")
		if err == nil && !strings.HasPrefix(answer, "-LOADING") {
			return pong(answer)
		}
		select {
		case <-s.done:
			return s.lastWords()
		case <-ctx.Done():
			return fmt.Errorf("no answer yet: %w; its log ends with:\n%s", context.Cause(ctx), s.journal.lastLines())
		case <-ticker.C:
		}
	}
}

func pong(answer string) error {
	if answer != "+PONG" {
		return fmt.Errorf("it answers %q to PING: leave authentication out of Args", answer)
	}
	return nil
}

// lastWords says how a server ended unexpectedly.
func (s *Server) lastWords() error {
	how := "exit status 0"
	if s.ending != nil {
		how = s.ending.Error()
	}
	return fmt.Errorf("it ended instead of answering (%s); its log ends with:\n%s", how, s.journal.lastLines())
}

// Addr returns the network, "unix", and the path of the socket.
func (s *Server) Addr() (network, address string) { return "unix", s.socket }

// URL returns the address in the form that go-redis and the command line accept.
func (s *Server) URL() string {
	return (&url.URL{Scheme: "unix", Path: s.socket, RawQuery: patient}).String()
}

// Pid returns the server's process ID.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Done returns a channel that is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop shuts the server down and waits for its end. With Persist, everything written is
// then on disk. If the server does not end within ten seconds, or before ctx ends, it is
// killed, and Stop returns an error. Stop does nothing if the server has ended.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.shutdown(ctx)
	if err == nil {
		s.cfg.Log.Info("redis stopped", "pid", s.Pid(), "dir", s.cfg.Dir)
		return nil
	}
	s.Kill()
	return fmt.Errorf("redis (process %d) had to be killed: %w", s.Pid(), err)
}

// shutdown asks the server to end, and waits until it has.
func (s *Server) shutdown(ctx context.Context) error {
	order := []string{"SHUTDOWN"}
	if !s.cfg.Persist {
		order = append(order, "NOSAVE")
	}
	refusal, err := ask(ctx, s.socket, order...)
	if err == nil {
		return fmt.Errorf("it answers %q to %s", refusal, strings.Join(order, " "))
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), ignoreEOF(err))
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Kill kills the server, like a crash, and waits for its end. The latest writes may be
// lost.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}
