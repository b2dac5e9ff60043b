package dashboard

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// CheckListen returns an error if other machines could use a dashboard without a token:
// unless there is a token, addr (host:port) must be a loopback address.
func CheckListen(addr, token string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%q is not an address to listen on (write 127.0.0.1:8080): %w", addr, err)
	}
	if token == "" && !isLoopback(addr) {
		return fmt.Errorf("%q can be reached from other machines and there is no token: set one, or listen on 127.0.0.1", addr)
	}
	return nil
}

// Server returns a server for the dashboard's handler. Its time limits suit most requests;
// lists of seeds, and changes to jobs, remove them.
func Server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
