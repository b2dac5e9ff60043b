package fleet

import (
	"log/slog"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/wire"
)

// standby is a server of an asynq queue that is closed while its queue has no task, and opened again
// when it has one: an open server takes three connections to Redis, and about five commands a
// second. It is safe for concurrent use.
type standby struct {
	queue string
	serve func() (*wire.Server, error)
	log   *slog.Logger

	mu     sync.Mutex
	server *wire.Server // nil while it is closed
	wanted bool         // the server is to be open
	paused bool         // the server receives nothing, even if tasks wait
	over   bool         // the server is closed for good
	moving bool         // a goroutine opens or closes the server
	moves  sync.WaitGroup
}

// newStandby opens the server. The caller must close it.
func newStandby(queue string, serve func() (*wire.Server, error), log *slog.Logger) (*standby, error) {
	server, err := serve()
	if err != nil {
		return nil, err
	}
	return &standby{queue: queue, serve: serve, log: log, server: server, wanted: true}, nil
}

// want opens the server, or closes it. It does not wait for that.
func (s *standby) want(wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = wanted
	if !s.moving && !s.settled() {
		s.moving = true
		s.moves.Go(s.move)
	}
}

// open reports whether the server is to be open.
func (s *standby) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted
}

// settled reports whether nothing is to be opened or closed. s.mu is held.
func (s *standby) settled() bool { return s.over || s.paused || s.wanted == (s.server != nil) }

// move opens or closes the server as wanted. If a server cannot be opened, move tries again when it
// is wanted the next time.
func (s *standby) move() {
	for {
		s.mu.Lock()
		if s.settled() {
			s.moving = false
			s.mu.Unlock()
			return
		}
		old := s.server
		s.server = nil
		s.mu.Unlock()
		if old != nil {
			old.Close()
			continue
		}
		fresh, err := s.serve()
		if err != nil {
			s.log.Warn("tasks cannot be received", "queue", s.queue, "error", err)
			s.mu.Lock()
			s.moving = false
			s.mu.Unlock()
			return
		}
		s.install(fresh)
	}
}

// install makes a server that was opened the current one, or closes it if it is not wanted any more.
func (s *standby) install(fresh *wire.Server) {
	s.mu.Lock()
	unwanted := s.server != nil || s.settled()
	if !unwanted {
		s.server = fresh
	}
	s.mu.Unlock()
	if unwanted {
		fresh.Close()
	}
}

// pause stops receiving tasks. Those under way continue.
func (s *standby) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = true
	if s.server != nil {
		s.server.Pause()
	}
}

// serveAgain is the pause before another try to open a server.
const serveAgain = time.Second

// resume receives tasks again after a pause. It returns false if the server is closed for good, or
// stopping is closed.
func (s *standby) resume(stopping <-chan struct{}) bool {
	for {
		fresh, err := s.serve()
		if err == nil {
			return s.exchange(fresh)
		}
		s.log.Warn("tasks cannot be received", "queue", s.queue, "error", err)
		select {
		case <-time.After(serveAgain):
		case <-stopping:
			return false
		}
	}
}

// exchange replaces the server, and closes the old one without waiting for that.
func (s *standby) exchange(fresh *wire.Server) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		s.moves.Go(fresh.Close)
		return false
	}
	if old := s.server; old != nil {
		s.moves.Go(old.Close)
	}
	s.server, s.wanted, s.paused = fresh, true, false
	return true
}

// close closes the server for good, and waits for its tasks.
func (s *standby) close() {
	s.mu.Lock()
	s.over = true
	server := s.server
	s.mu.Unlock()
	if server != nil {
		server.Close()
	}
	s.moves.Wait()
}
