package testsite

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
)

// Site is a set of hosts on loopback addresses, which are served until the end of the
// test. It is safe for concurrent use.
type Site struct {
	Log
	Hooks
	hosts []string
	serve map[string]http.Handler // by host
}

// Serve serves one host for each handler. The first is at 127.0.0.1, the second at
// 127.0.0.2, and so on, each with its own port. On a system with only one loopback
// address, they differ only by port.
func Serve(t testing.TB, handlers ...http.Handler) *Site {
	t.Helper()
	return ServeLinked(t, len(handlers), func([]string) []http.Handler { return handlers })
}

// ServeLinked is like Serve, for n hosts whose handlers need each other's addresses:
// handlers is called when the addresses are known, before the first request.
func ServeLinked(t testing.TB, n int, handlers func(hosts []string) []http.Handler) *Site {
	t.Helper()
	s := &Site{serve: make(map[string]http.Handler, n)}
	listeners := make([]net.Listener, n)
	for i := range listeners {
		l, err := listen(i)
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
		s.hosts = append(s.hosts, l.Addr().String())
	}
	for i, h := range handlers(s.hosts) {
		s.serve[s.hosts[i]] = h
	}
	s.run(t, listeners)
	return s
}

// served are the addresses of all sites of this process so far. A Redis that tests share remembers
// the robots.txt of each.
var served sync.Map

// listen listens at the address of host i, 0 to 65,000, at a port that no earlier site had.
func listen(i int) (net.Listener, error) {
	for {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.%d.%d:0", i/250, i%250+1))
		if err != nil {
			l, err = net.Listen("tcp4", "127.0.0.1:0")
		}
		if err != nil {
			return nil, err
		}
		if _, again := served.LoadOrStore(l.Addr().String(), true); !again {
			return l, nil
		}
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
}

// run serves until the test is over.
func (s *Site) run(t testing.TB, listeners []net.Listener) {
	server := &http.Server{
		Handler:     http.HandlerFunc(s.answer),
		ErrorLog:    log.New(io.Discard, "", 0),
		ConnContext: withConn,
	}
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() { _ = server.Serve(l) })
	}
	t.Cleanup(func() {
		s.releaseAll()
		server.Close()
		serving.Wait()
	})
}

// answer handles one request with its hook or its host's handler, and logs it.
func (s *Site) answer(w http.ResponseWriter, r *http.Request) {
	host := r.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
	req := s.begin(host, r)
	seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	defer func() { s.end(req, seen.status, r.Context().Err() != nil) }()
	if !s.intervene(seen, r, host) {
		s.serve[host].ServeHTTP(seen, r)
	}
}

// Hosts returns the hosts, as "127.0.0.1:4711", in the order of their handlers.
func (s *Site) Hosts() []string { return s.hosts }

// URL returns the URL of a path, such as "/index.html", at the i-th host.
func (s *Site) URL(i int, path string) string { return "http://" + s.hosts[i] + path }

// Until waits until the log of requests satisfies the condition, which it checks at each
// request's start and end. It returns the error of ctx if that is done first.
func (s *Site) Until(ctx context.Context, condition func(*Log) bool) error {
	for {
		changed := s.Changed()
		if condition(&s.Log) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for requests, of which there were %d: %w", len(s.Requests()), ctx.Err())
		}
	}
}

// statusWriter remembers the status of a response. http.ResponseController can access the
// underlying writer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
