package hostile

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Network contains the hosts of a web. The crawler must be allowed to connect to it. The
// forbidden address is outside.
const Network = "127.1.0.0/16"

// forbiddenAddress is an address that the crawler must not connect to.
const forbiddenAddress = "127.66.6.6"

// Web is a set of hosts that misbehave, each beside honest pages. It is served until the
// end of the test, and safe for concurrent use.
type Web struct {
	t         testing.TB
	hosts     []*Host
	forbidden net.Listener
	names     *nameServer

	next           atomic.Int64 // number of assigned addresses
	forbiddenConns atomic.Int64 // number of connections to the forbidden listener
	closing        sync.WaitGroup
	stopped        chan struct{} // closed at the end
}

// Serve serves one host for each misbehaviour in the list, and a number of extra hosts, each with
// all misbehaviours of the list that are single pages. The test is skipped on a system with only
// one loopback address.
func Serve(t testing.TB, list []Misbehaviour, extraHosts int) *Web {
	t.Helper()
	w := &Web{t: t, stopped: make(chan struct{})}
	w.forbidden = w.listenAt(forbiddenAddress)
	w.closing.Go(w.watch)
	w.names = newNameServer(w)
	t.Cleanup(w.close)
	generatePages(list)
	for _, m := range list {
		h := w.newHost(m.Name)
		h.add(m)
		w.hosts = append(w.hosts, h)
	}
	for i := range extraHosts {
		h := w.newHost(fmt.Sprintf("extra-%d", i+1))
		for _, m := range list {
			if m.page != nil && m.setup == nil {
				h.add(m)
			}
		}
		w.hosts = append(w.hosts, h)
	}
	for _, h := range w.hosts {
		h.open()
	}
	return w
}

// generatePages requests each page once in advance. Some pages take a while to be generated, and
// the crawler would see a slow server.
func generatePages(list []Misbehaviour) {
	var all sync.WaitGroup
	for _, m := range list {
		if m.page != nil {
			all.Go(func() {
				m.page(discardResponse{}, &http.Request{URL: &url.URL{Path: "/" + m.Name}, RequestURI: "/" + m.Name})
			})
		}
	}
	all.Wait()
}

// discardResponse is a ResponseWriter that discards the response.
type discardResponse struct{}

func (discardResponse) Header() http.Header         { return make(http.Header) }
func (discardResponse) WriteHeader(int)             {}
func (discardResponse) Write(p []byte) (int, error) { return len(p), nil }

// listenAt listens at a port of a loopback address.
func (w *Web) listenAt(address string) net.Listener {
	w.t.Helper()
	l, err := net.Listen("tcp4", address+":0")
	if err != nil {
		w.t.Skipf("this system has no loopback address %s: %v", address, err)
	}
	return l
}

// newAddress returns another address of the network.
func (w *Web) newAddress() string {
	n := w.next.Add(1)
	return fmt.Sprintf("127.1.%d.%d", n/250, n%250+1)
}

// watch counts connections to the forbidden listener.
func (w *Web) watch() {
	for {
		conn, err := w.forbidden.Accept()
		if err != nil {
			return
		}
		w.forbiddenConns.Add(1)
		conn.Close()
	}
}

func (w *Web) close() {
	close(w.stopped)
	w.forbidden.Close()
	w.names.close()
	for _, h := range w.hosts {
		h.close()
	}
	w.closing.Wait()
}

// ForbiddenConns returns the number of connections to the forbidden listener.
func (w *Web) ForbiddenConns() int64 { return w.forbiddenConns.Load() }

// Forbidden returns the address of the forbidden listener.
func (w *Web) Forbidden() string { return w.forbidden.Addr().String() }

func (w *Web) forbiddenPort() string {
	_, port, _ := net.SplitHostPort(w.Forbidden())
	return port
}

// Resolver returns the address of the name server for the crawler.
func (w *Web) Resolver() string { return w.names.addr }

// Seeds returns the URLs of the first pages of all hosts. They lead to all other URLs.
func (w *Web) Seeds() []string {
	var urls []string
	for _, h := range w.hosts {
		urls = append(urls, h.URL("/"))
	}
	return urls
}

// Honest returns the URLs of all honest pages with their titles.
func (w *Web) Honest() map[string]string {
	all := make(map[string]string)
	for _, h := range w.hosts {
		for path, title := range h.honest {
			all[h.URL(path)] = title
		}
	}
	return all
}

// Fates returns the expected fates of the other URLs, by misbehaviour and URL.
func (w *Web) Fates() map[string]map[string]Fate {
	all := make(map[string]map[string]Fate)
	for _, h := range w.hosts {
		for name, fates := range h.fates {
			if all[name] == nil {
				all[name] = make(map[string]Fate)
			}
			for url, f := range fates {
				all[name][url] = f
			}
		}
	}
	return all
}

// Requests returns the number of requests for a URL and the URLs below it.
func (w *Web) Requests(url string) int {
	n := 0
	for _, h := range w.hosts {
		n += h.requestCount(url)
	}
	return n
}
