package fleet

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health is the small HTTP server for monitoring a process: /healthz says that it is alive,
// /readyz whether it can work, and /metrics exports its metrics.
type Health struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

// ServeHealth starts the server on an address; "" starts none.
func ServeHealth(listen string, conn *Connection) (*Health, error) {
	if listen == "" {
		return &Health{}, nil
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", listen, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := conn.Ready.Check(r.Context()); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		if notes := conn.Ready.Notes(r.Context()); len(notes) > 0 {
			fmt.Fprintln(w, "ready, but "+strings.Join(notes, "\n"))
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(conn.Registry, promhttp.HandlerOpts{}))
	h := &Health{
		listener: listener, done: make(chan struct{}),
		server: &http.Server{
			Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
			WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		},
	}
	go func() {
		defer close(h.done)
		if err := h.server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			conn.Log.Error("the health server ended", "error", err)
		}
	}()
	return h, nil
}

// Address returns the address that the server listens on; "" if there isn't one.
func (h *Health) Address() string {
	if h.listener == nil {
		return ""
	}
	return h.listener.Addr().String()
}

// Stop stops the server.
func (h *Health) Stop() {
	if h.server != nil {
		h.server.Close()
		<-h.done
	}
}
