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

// Server is a running redis-server that belongs to this process. It ends with
// Stop, with Kill, or, on Linux, when this process ends in whichever way. Its
// methods may be called from several goroutines at once.
type Server struct {
	cfg     Config
	home    *home
	journal journal
	socket  string
	cmd     *exec.Cmd
	done    chan struct{}
	ending  error // how the process ended; to be read after done is closed
}

// Start starts a server and waits until it answers, which takes as long as its
// data take to load. ctx bounds the start only, not the server's life.
//
// A server that survived the process that started it in the same folder is
// asked to shut down first, so that no two ever write the same files. When its
// process still lives, Start returns an error that wraps [ErrInUse]. When the
// server ends instead of answering, the error has the last lines of its log.
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

// spawn starts the process of a server in a home that is claimed.
func spawn(ctx context.Context, cfg Config, h *home) (*Server, error) {
	key, err := h.vacate(ctx)
	if err != nil {
		return nil, err
	}
	defer key.Close() // the server has it then
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

// command is the server's process, which inherits the lock on its home.
func command(cfg Config, socket string, log, key *os.File) *exec.Cmd {
	cmd := exec.Command(cfg.Path, cfg.arguments(socket)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{key}
	return cmd
}

// run starts the process and stays with it to its end. It keeps one thread for
// so long, because the kernel takes the end of the thread that forked for the
// death of the parent.
func (s *Server) run(started chan<- error) {
	runtime.LockOSThread()
	if err := s.cmd.Start(); err != nil {
		s.home.forget()
		started <- err
		return
	}
	_ = s.home.remember(address{s.Pid(), s.socket}) // the socket, which matters, is written already
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

// lastWords says how a server ended that was not asked to.
func (s *Server) lastWords() error {
	how := "exit status 0"
	if s.ending != nil {
		how = s.ending.Error()
	}
	return fmt.Errorf("it ended instead of answering (%s); its log ends with:\n%s", how, s.journal.lastLines())
}

// Addr returns the network, "unix", and the path of the socket.
func (s *Server) Addr() (network, address string) { return "unix", s.socket }

// URL returns the address as go-redis and the command line take it.
func (s *Server) URL() string {
	return (&url.URL{Scheme: "unix", Path: s.socket, RawQuery: patient}).String()
}

// Pid returns the id of the server's process.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop shuts the server down and waits for its end. With Persist, all that was
// written is on disk then. A server that does not end within ten seconds, or
// before ctx is done, is killed, and that is an error. To stop a server that
// has ended does nothing.
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

// Kill kills the server, as a crash would, and waits for its end. What was
// written last may be lost.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}
