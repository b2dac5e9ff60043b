package main_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trawlcrawler/trawl/internal/testsite"
)

// tripwire listens where nobody may connect to.
type tripwire struct {
	addr  string
	trips atomic.Int64
}

func newTripwire(t *testing.T, address string) *tripwire {
	t.Helper()
	l, err := net.Listen("tcp4", address)
	if err != nil {
		t.Skipf("this system has no address %s: %v", address, err)
	}
	w := &tripwire{addr: l.Addr().String()}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.trips.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-over
	})
	return w
}

// port is where the wire is, at every address.
func (w *tripwire) port() string { return w.addr[strings.LastIndexByte(w.addr, ':')+1:] }

// trap serves a page whose links, frames and redirects lead to a place that it
// knows nothing of.
func trap(t *testing.T, urls ...string) *testsite.Site {
	t.Helper()
	return testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/away/%d", &n); err == nil && n < len(urls) {
			http.Redirect(w, r, urls[n], http.StatusFound)
			return
		}
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		for i, url := range urls {
			fmt.Fprintf(w, "<a href=%q>x</a><iframe src=%q></iframe><a href=/away/%d>y</a>\n", url, url, i)
		}
	}))
}

func TestLinksToPrivateAddressesAreNeverConnectedTo(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"host", "domain", "any"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			wire, near := newTripwire(t, "127.0.0.2:0"), newTripwire(t, "127.0.0.1:0")
			site := trap(t,
				"http://"+wire.addr+"/", "http://2130706434:"+wire.port()+"/decimal", "http://0x7f.2:"+wire.port()+"/short",
				"http://[::ffff:127.0.0.2]:"+wire.port()+"/", "http://localhost:"+near.port()+"/", "http://"+near.addr+"/",
				"http://[::1]:"+near.port()+"/", "https://"+wire.addr+"/",
			)
			s := newShell(t)
			end := s.run("crawl", site.URL(0, "/"), "--scope", scope, "--delay", "0", "--retries", "0", "--robots-tries", "1", "--out", "site").
				exits(done)
			if n := wire.trips.Load() + near.trips.Load(); n > 0 {
				t.Errorf("%d connections were made where none may be", n)
			}
			records := pages(t, s.path("site"))
			fetched(records).expectOnce(t, "pages", map[string]bool{site.URL(0, "/"): true})
			if scope == "any" && !strings.Contains(end.stderr, "--allow-cidr") {
				t.Errorf("trawl does not say what opens a private address, but\n%s", end.stderr)
			}
			for _, r := range records {
				if scope == "host" && !strings.HasPrefix(r.URL, site.URL(0, "/")) {
					t.Errorf("%s is in the output, outside of scope", r.URL)
				}
			}
		})
	}
}

func TestAPrivateNetworkThatIsOpenedIsCrawled(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 10, LinksPerPage: 4, OneRoot: true}
	site := g.Serve(t)
	if strings.HasPrefix(site.Hosts()[1], "127.0.0.1:") {
		t.Skip("this system has one loopback address")
	}
	wire := newTripwire(t, "127.0.0.3:0")
	site.Handle(site.Hosts()[0]+"/page/3", http.RedirectHandler("http://"+wire.addr+"/", http.StatusFound))
	all := g.URLs(site)
	delete(all, site.URL(0, "/page/3"))
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--scope", "any", "--allow-cidr", "10.0.0.0/8", "--allow-cidr", "127.0.0.2/32",
		"--delay", "0", "--robots-tries", "1", "--retries", "0", "--out", "site").exits(done)
	fetched(pages(t, s.path("site"))).expectOnce(t, "pages", all)
	if n := wire.trips.Load(); n > 0 {
		t.Errorf("%d connections were made where none may be", n)
	}
}
