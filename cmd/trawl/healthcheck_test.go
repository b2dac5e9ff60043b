package main_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestHealthReportsTheReadinessOfTheProcess(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	redis := newRedis(s)
	s.set("TRAWL_REDIS", redis.URL())
	scheduler := s.start("scheduler", "--listen", "127.0.0.1:0")
	scheduler.waitForOutput("listen=127.0.0.1:")
	s.set("TRAWL_LISTEN", listenAddress(t, scheduler.stderr.Text()))

	if said := s.run("health").exits(done).stdout; said != "ready\n" {
		t.Errorf("health says %q, want ready", said)
	}
	redis.Kill()
	s.run("health").exits(failed, "is not ready", "503")
	scheduler.signal(os.Interrupt)
	scheduler.waitSoon()
	s.run("health").exits(failed, "no process answers", "--listen")
}

// listenAddress finds the listen address in the log of a process.
func listenAddress(t testing.TB, log string) string {
	t.Helper()
	_, rest, _ := strings.Cut(log, "listen=")
	addr, _, found := strings.Cut(rest, "\n")
	if !found {
		t.Fatalf("the log names no address:\n%s", log)
	}
	return addr
}

func TestHealthUsesLoopbackForAWildcardListenAddress(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	s := newShell(t)
	s.set("HTTP_PROXY", "http://127.0.0.1:1") // must not be used
	for _, listen := range []string{":" + port, "0.0.0.0:" + port, "localhost:" + port,
		server.Listener.Addr().String()} {
		s.run("health", "--listen", listen).exits(done)
	}
	for _, listen := range []string{"", "9090", "http://localhost:9090"} {
		s.run("health", "--listen", listen).exits(usage, "listen", `"`+listen+`"`)
	}
}
