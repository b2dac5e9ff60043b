package fleet

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health is the small HTTP server that tells whether a process is well:
// /healthz that it lives, /readyz that it can work, and /metrics.
type Health struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

// ServeHealth starts it on an address; "" starts none.
func ServeHealth(listen string, door *Door) (*Health, error) {
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
		if err := door.Ready.Check(r.Context()); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		if warning := door.Ready.Warning(); warning != "" {
			fmt.Fprintln(w, "ready, but "+warning)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(door.Registry, promhttp.HandlerOpts{}))
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
			door.Log.Error("the health server ended", "error", err)
		}
	}()
	return h, nil
}

// Address is where it listens; "" when it does not.
func (h *Health) Address() string {
	if h.listener == nil {
		return ""
	}
	return h.listener.Addr().String()
}

// Stop ends it.
func (h *Health) Stop() {
	if h.server != nil {
		h.server.Close()
		<-h.done
	}
}
