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

	next    atomic.Int64 // number of addresses given out
	touched atomic.Int64 // number of connections to the forbidden listener
	closing sync.WaitGroup
	stopped chan struct{} // closed at the end
}

// Serve serves one host for each misbehaviour in the list, and crowds additional hosts,
// each with all misbehaviours of the list that are single pages. The test is skipped on a
// system with only one loopback address.
func Serve(t testing.TB, list []Misbehaviour, crowds int) *Web {
	t.Helper()
	w := &Web{t: t, stopped: make(chan struct{})}
	w.forbidden = w.listenAt(forbiddenAddress)
	w.closing.Go(w.watch)
	w.names = newNameServer(w)
	t.Cleanup(w.close)
	rehearse(list)
	for _, m := range list {
		h := w.newHost(m.Name)
		h.add(m)
		w.hosts = append(w.hosts, h)
	}
	for i := range crowds {
		h := w.newHost(fmt.Sprintf("crowd-%d", i+1))
		for _, m := range list {
			if m.page != nil && m.rig == nil {
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

// rehearse requests each page once. Some pages take a while to be generated, which must
// not look like a slow server.
func rehearse(list []Misbehaviour) {
	var all sync.WaitGroup
	for _, m := range list {
		if m.page != nil {
			all.Go(func() {
				m.page(nobody{}, &http.Request{URL: &url.URL{Path: "/" + m.Name}, RequestURI: "/" + m.Name})
			})
		}
	}
	all.Wait()
}

// nobody discards a response.
type nobody struct{}

func (nobody) Header() http.Header         { return make(http.Header) }
func (nobody) WriteHeader(int)             {}
func (nobody) Write(p []byte) (int, error) { return len(p), nil }

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
		w.touched.Add(1)
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

// Touched returns the number of connections to the forbidden listener.
func (w *Web) Touched() int64 { return w.touched.Load() }

// Forbidden returns the address of the forbidden listener.
func (w *Web) Forbidden() string { return w.forbidden.Addr().String() }

func (w *Web) forbiddenPort() string {
	_, port, _ := net.SplitHostPort(w.Forbidden())
	return port
}

// Resolver returns the address of the name server for the crawler.
func (w *Web) Resolver() string { return w.names.at }

// Seeds returns the URLs that lead to everything else: the first page of each host.
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

// Asked returns the number of requests for a URL and what is beneath it.
func (w *Web) Asked(url string) int {
	n := 0
	for _, h := range w.hosts {
		n += h.asked(url)
	}
	return n
}
