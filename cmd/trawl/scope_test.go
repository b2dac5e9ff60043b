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

// countingListener counts the connections to an address and closes them.
type countingListener struct {
	addr        string
	connections atomic.Int64
}

func newCountingListener(t *testing.T, address string) *countingListener {
	t.Helper()
	l, err := net.Listen("tcp4", address)
	if err != nil {
		t.Skipf("this system has no address %s: %v", address, err)
	}
	w := &countingListener{addr: l.Addr().String()}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.connections.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-over
	})
	return w
}

// port returns the port of the listener.
func (w *countingListener) port() string { return w.addr[strings.LastIndexByte(w.addr, ':')+1:] }

// serveLinksTo serves a page with links, frames and redirects to the URLs.
func serveLinksTo(t *testing.T, urls ...string) *testsite.Site {
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

func TestLinksToPrivateAddressesAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"host", "domain", "any"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			listener, near := newCountingListener(t, "127.0.0.2:0"), newCountingListener(t, "127.0.0.1:0")
			site := serveLinksTo(t,
				"http://"+listener.addr+"/", "http://2130706434:"+listener.port()+"/decimal",
				"http://0x7f.2:"+listener.port()+"/short",
				"http://[::ffff:127.0.0.2]:"+listener.port()+"/", "http://localhost:"+near.port()+"/",
				"http://"+near.addr+"/",
				"http://[::1]:"+near.port()+"/", "https://"+listener.addr+"/",
			)
			s := newShell(t)
			end := s.run("crawl", site.URL(0, "/"), "--scope", scope, "--delay", "0", "--retries", "0",
				"--robots-tries", "1", "--out", "site").
				exits(done)
			if n := listener.connections.Load() + near.connections.Load(); n > 0 {
				t.Errorf("%d forbidden connections were made", n)
			}
			records := pages(t, s.path("site"))
			fetched(records).expectOnce(t, "pages", map[string]bool{site.URL(0, "/"): true})
			if scope == "any" && !strings.Contains(end.stderr, "--allow-cidr") {
				t.Errorf("trawl does not name the flag that allows a private address, but says\n%s", end.stderr)
			}
			for _, r := range records {
				if scope == "host" && !strings.HasPrefix(r.URL, site.URL(0, "/")) {
					t.Errorf("%s is in the output, outside of scope", r.URL)
				}
			}
		})
	}
}

func TestAnAllowedPrivateNetworkIsCrawled(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 10, LinksPerPage: 4, OneRoot: true}
	site := g.Serve(t)
	if strings.HasPrefix(site.Hosts()[1], "127.0.0.1:") {
		t.Skip("this system has one loopback address")
	}
	listener := newCountingListener(t, "127.0.0.3:0")
	site.Handle(site.Hosts()[0]+"/page/3", http.RedirectHandler("http://"+listener.addr+"/", http.StatusFound))
	all := g.URLs(site)
	delete(all, site.URL(0, "/page/3"))
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--scope", "any", "--allow-cidr", "10.0.0.0/8", "--allow-cidr", "127.0.0.2/32",
		"--delay", "0", "--robots-tries", "1", "--retries", "0", "--out", "site").exits(done)
	fetched(pages(t, s.path("site"))).expectOnce(t, "pages", all)
	if n := listener.connections.Load(); n > 0 {
		t.Errorf("%d forbidden connections were made", n)
	}
}

func TestARedirectedSeedIsCrawledAtItsTarget(t *testing.T) {
	t.Parallel()
	old, now := bodyServer{}, bodyServer{"/": "<a href=/a>a</a>", "/a": "a page"}
	site := testsite.Serve(t, old, now)
	site.Handle(site.Hosts()[0]+"/", http.RedirectHandler(site.URL(1, "/"), http.StatusMovedPermanently))
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--allow-private", "--delay", "0", "--out", "follow").exits(done,
		"2 fetched, 1 redirected")
	// If a crawl fetches nothing, trawl names the target of the seed's redirect and the setting.
	s.run("crawl", site.URL(0, "/"), "--allow-private", "--delay", "0", "--seed-redirects", "stay", "--out", "stay").
		exits(nothing, "1 redirected", "the seed redirects to "+site.URL(1, "/"), "the setting seed_redirects be follow")
	s.run("crawl", site.URL(0, "/"), "--seed-redirects", "leave").exits(usage, "seed_redirects", `"leave"`,
		"follow or stay")
	s.run("crawl", site.URL(0, "/"), "--allow-private", "--delay", "0", "--seed-redirects", "stay", "--out",
		"follow").exits(usage, "seed_redirects")
	// The target of a redirected seed is not named by the user: its address and port stay closed.
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--robots-tries", "1", "--host-tries", "1", "--out",
		"shut").exits(nothing, "--allow-private opens it")
	if n := site.Count("/a"); n != 1 {
		t.Errorf("the page of the new host was requested %d times, want 1", n)
	}
}

// A domain can have any number of hosts. Names below localhost resolve to this machine without a
// name server (RFC 6761, 6.3).
func TestHostsOfAWildcardDomainShareAnAddressDelay(t *testing.T) {
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
	stalled := stalls() // a stalled site records a request late
	if gap := site.SmallestGap(site.Hosts()[0]); gap < delay-10*time.Millisecond-2*stalled {
		t.Errorf("two requests to the address are %s apart, want %s, less twice the stall of %s",
			gap, delay, stalled)
	}
	if n := len(site.Requests()); n != 4 {
		t.Errorf("%d requests were made, want 4", n)
	}
}
