package main_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
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
				"http://"+wire.addr+"/", "http://2130706434:"+wire.port()+"/decimal",
				"http://0x7f.2:"+wire.port()+"/short",
				"http://[::ffff:127.0.0.2]:"+wire.port()+"/", "http://localhost:"+near.port()+"/",
				"http://"+near.addr+"/",
				"http://[::1]:"+near.port()+"/", "https://"+wire.addr+"/",
			)
			s := newShell(t)
			end := s.run("crawl", site.URL(0, "/"), "--scope", scope, "--delay", "0", "--retries", "0",
				"--robots-tries", "1", "--out", "site").
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

func TestASeedThatMovedIsCrawledWhereItIs(t *testing.T) {
	t.Parallel()
	old, now := bodies{}, bodies{"/": "<a href=/a>a</a>", "/a": "a page"}
	site := testsite.Serve(t, old, now)
	site.Handle(site.Hosts()[0]+"/", http.RedirectHandler(site.URL(1, "/"), http.StatusMovedPermanently))
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--allow-private", "--delay", "0", "--out", "follow").exits(done,
		"2 fetched, 1 redirected")
	// What came of nothing says where the seed leads, and what follows it.
	s.run("crawl", site.URL(0, "/"), "--allow-private", "--delay", "0", "--seed-redirects", "stay", "--out", "stay").
		exits(nothing, "1 redirected", "the seed redirects to "+site.URL(1, "/"), "--seed-redirects follow")
	s.run("crawl", site.URL(0, "/"), "--seed-redirects", "leave").exits(usage, "seed_redirects", `"leave"`,
		"follow or stay")
	s.run("crawl", site.URL(0, "/"), "--allow-private", "--delay", "0", "--seed-redirects", "stay", "--out",
		"follow").exits(usage, "seed_redirects")
	// A host that a seed leads to is not named: neither its address nor its port are open.
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--robots-tries", "1", "--host-tries", "1", "--out",
		"shut").exits(nothing, "--allow-private opens it")
	if n := site.Count("/a"); n != 1 {
		t.Errorf("the page of the new host was asked for %d times, want 1", n)
	}
}

// The owner of a domain decides how many hosts it has. Names beneath localhost are
// this machine (RFC 6761, 6.3), and no server is asked for them.
func TestHostsOfAWildcardShareTheDelayOfTheirAddress(t *testing.T) {
	t.Parallel()
	const delay = 60 * time.Millisecond
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, port, _ := net.SplitHostPort(r.Host)
		for i := range 4 {
			fmt.Fprintf(w, "<a href=http://h%d.wild.localhost:%s/%d>x</a>", i, port, i)
		}
	}))
	_, port, _ := net.SplitHostPort(site.Hosts()[0])
	s := newShell(t)
	stalls := testsite.WatchStalls(t)
	s.run("crawl", "http://h0.wild.localhost:"+port+"/", "--scope", "domain", "--resolvers", "127.0.0.1:9",
		"--allow-private",
		"--delay", delay.String(), "--throttle", "0", "--pages-per-domain", "4", "--ignore-robots", "--out",
		"site").exits(done, "4 fetched", "1 skipped")
	stalled := stalls() // a site that was kept waiting notes a request late
	if gap := site.SmallestGap(site.Hosts()[0]); gap < delay-10*time.Millisecond-2*stalled {
		t.Errorf("two requests to the address are %s apart, want %s, less twice the %s that this process stood still",
			gap, delay, stalled)
	}
	if n := len(site.Requests()); n != 4 {
		t.Errorf("%d requests were made, want 4", n)
	}
}
