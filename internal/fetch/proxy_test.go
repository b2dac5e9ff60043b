package fetch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/dns"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/proxy"
	"github.com/trawlcrawler/trawl/internal/test/testdns"
)

// testProxy is a proxy that records its requests. It connects to the requested address, or to the
// address in hosts.
type testProxy struct {
	url   string
	login string            // the required login, as USER:PASSWORD; "" for none
	hosts map[string]string // addresses by HOST:PORT
	fails int               // if not 0, the HTTP status or SOCKS reply to every request

	mu    sync.Mutex
	seen  []string // "CONNECT 192.0.2.1:80", "GET http://example.org/", "SOCKS example.org:443"
	heads []http.Header
}

func (m *testProxy) note(what string, head http.Header) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen, m.heads = append(m.seen, what), append(m.heads, head)
}

// requests returns the requests that the proxy received.
func (m *testProxy) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.seen)
}

func (m *testProxy) dial(to string) (net.Conn, error) {
	if at := m.hosts[to]; at != "" {
		to = at
	}
	return net.Dial("tcp", to)
}

// newHTTPProxy starts a proxy that speaks HTTP, or HTTP over TLS.
func newHTTPProxy(t testing.TB, secure bool) *testProxy {
	t.Helper()
	m := &testProxy{}
	s := httptest.NewUnstartedServer(m)
	s.Config.ErrorLog = quiet()
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	m.url = s.URL
	return m
}

func (m *testProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.note(r.Method+" "+r.RequestURI, r.Header)
	user, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
	switch {
	case m.login != "" && user+":"+password != m.login:
		w.WriteHeader(http.StatusProxyAuthRequired)
	case m.fails != 0:
		w.WriteHeader(m.fails)
	case r.Method == http.MethodConnect:
		m.connect(w, r)
	default:
		m.forward(w, r)
	}
}

func (m *testProxy) connect(w http.ResponseWriter, r *http.Request) {
	there, err := m.dial(r.RequestURI)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	fmt.Fprint(here, "HTTP/1.1 200 OK\r\n\r\n")
	join(here, there)
}

// forward forwards a request without CONNECT.
func (m *testProxy) forward(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Host
	if r.URL.Port() == "" {
		to += ":80"
	}
	there, err := m.dial(to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	out := r.Clone(r.Context())
	out.Header.Del("Proxy-Authorization")
	out.Close = true
	out.Write(there)
	resp, err := http.ReadResponse(bufio.NewReader(there), out)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// join copies bytes between two connections until both have ended.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() { io.Copy(pair[0], pair[1]); pair[0].Close() })
	}
	both.Wait()
}

// newSOCKS starts a proxy that speaks SOCKS5 (RFC 1928, RFC 1929).
func newSOCKS(t testing.TB) *testProxy {
	t.Helper()
	m := &testProxy{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); m.socks(conn) }()
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	m.url = "socks5://" + l.Addr().String()
	return m
}

func (m *testProxy) socks(conn net.Conn) {
	head := make([]byte, 2)
	io.ReadFull(conn, head)
	methods := make([]byte, head[1])
	io.ReadFull(conn, methods)
	if m.login != "" {
		if !slices.Contains(methods, 2) {
			conn.Write([]byte{5, 0xff})
			return
		}
		conn.Write([]byte{5, 2})
		io.ReadFull(conn, head)
		user := make([]byte, head[1])
		io.ReadFull(conn, user)
		io.ReadFull(conn, head[:1])
		password := make([]byte, head[0])
		io.ReadFull(conn, password)
		if string(user)+":"+string(password) != m.login {
			conn.Write([]byte{1, 1})
			return
		}
		conn.Write([]byte{1, 0})
	} else {
		conn.Write([]byte{5, 0})
	}
	to, err := readSOCKS(conn)
	if err != nil {
		return
	}
	m.note("SOCKS "+to, nil)
	if m.fails != 0 {
		conn.Write([]byte{5, byte(m.fails), 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	there, err := m.dial(to)
	if err != nil {
		conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	join(conn, there)
}

// readSOCKS reads the address of a SOCKS request.
func readSOCKS(conn net.Conn) (string, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(conn, head); err != nil {
		return "", err
	}
	var rest []byte
	switch head[3] {
	case 1:
		rest = make([]byte, 3+2)
	case 3:
		rest = make([]byte, int(head[4])+2)
	case 4:
		rest = make([]byte, 15+2)
	default:
		return "", errors.New("unknown address type")
	}
	if _, err := io.ReadFull(conn, rest); err != nil {
		return "", err
	}
	host, port := string(rest[:len(rest)-2]), binary.BigEndian.Uint16(rest[len(rest)-2:])
	if head[3] != 3 {
		a, _ := netip.AddrFromSlice(append([]byte{head[4]}, rest[:len(rest)-2]...))
		host = a.String()
	}
	return net.JoinHostPort(host, fmt.Sprint(port)), nil
}

// proxy returns the parsed proxy, with the login if one is required.
func (m *testProxy) proxy(t testing.TB, remoteDNS bool) *proxy.Proxy {
	t.Helper()
	url := m.url
	if m.login != "" {
		url = strings.Replace(url, "://", "://"+m.login+"@", 1)
	}
	p, err := proxy.Parse(url, remoteDNS)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// through returns a fetcher that uses the proxies for every host.
func through(t testing.TB, cfg Config, proxies ...*proxy.Proxy) *Fetcher {
	t.Helper()
	cfg.Rules = append(cfg.Rules, Rule{Proxies: proxies})
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// Each kind of proxy, with and without a login and TLS to the host, receives an address that the
// fetcher has checked.
func TestPagesAreFetchedThroughAProxy(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"http", "https", "socks5"} {
		for _, login := range []string{"", "ann:pass"} {
			for _, scheme := range []string{"http", "https"} {
				t.Run(fmt.Sprint(kind, " ", login, " ", scheme), func(t *testing.T) {
					t.Parallel()
					server, pool := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
						fmt.Fprint(w, r.Host, " ", r.Proto, " ", r.RequestURI, " ", r.Header.Get("Proxy-Authorization"))
					})
					want := "HTTP/2.0"
					if scheme == "http" {
						server, want = serve(t, server.Config.Handler.ServeHTTP), "HTTP/1.1"
					}
					m := newSOCKS(t)
					if kind != "socks5" {
						m = newHTTPProxy(t, kind == "https")
					}
					m.login = login
					_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
					z := testdns.New(t, "example.com. 60 IN A 127.0.0.1")
					f := through(t, Config{
						AllowPrivate: true, rootCAs: pool, Resolver: dns.NewResolver([]netip.AddrPort{z.At}),
						Rules: []Rule{{Hosts: []HostPattern{pattern(t, "127.0.0.1:"+portAt(m.url))}, Insecure: true}},
					}, m.proxy(t, false))
					page := get(t, f, request(t, scheme+"://example.com:"+port+"/a?b"))
					wantNoFault(t, page)
					if got := string(content(t, page)); got != "example.com:"+port+" "+want+" /a?b " {
						t.Errorf("the server was asked for %q", got)
					}
					if page.Address.String() != "127.0.0.1:"+port || page.Proxy != m.url {
						t.Errorf("fetched from %s through %s", page.Address, page.Proxy)
					}
					method := "CONNECT"
					if kind == "socks5" {
						method = "SOCKS"
					}
					if got := m.requests(); !slices.Equal(got, []string{method + " 127.0.0.1:" + port}) {
						t.Errorf("the proxy received %q", got)
					}
				})
			}
		}
	}
}

func portAt(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }

func pattern(t testing.TB, text string) HostPattern {
	t.Helper()
	p, err := ParseHostPattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A proxy that looks names up receives the name, and forwards plain HTTP.
func TestAProxyCanLookNamesUpItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, scheme, want string }{
		{"http", "http", "GET http://far.example:PORT/a?b"}, {"https", "http", "GET http://far.example:PORT/a?b"},
		{"socks5", "http", "SOCKS far.example:PORT"},
		{"http", "https", "CONNECT far.example:PORT"}, {"socks5", "https", "SOCKS far.example:PORT"},
	} {
		t.Run(c.kind+" "+c.scheme, func(t *testing.T) {
			t.Parallel()
			server, _ := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, r.Host, r.URL.Path, r.Header.Get("Proxy-Authorization"), r.Header.Get("X-Key"))
			})
			if c.scheme == "http" {
				server = serve(t, server.Config.Handler.ServeHTTP)
			}
			m := newSOCKS(t)
			if c.kind != "socks5" {
				m = newHTTPProxy(t, c.kind == "https")
			}
			m.login = "ann:pass"
			at := server.Listener.Addr().String()
			host := "far.example:" + portAt(at)
			m.hosts = map[string]string{host: at}
			f := through(t, Config{
				Ports:    ports(t, "any"),
				Resolver: dns.NewResolver([]netip.AddrPort{testdns.New(t).At}), // an empty zone
				Rules: []Rule{
					{Hosts: []HostPattern{pattern(t, "127.0.0.1:"+portAt(m.url)), pattern(t, host)}, Insecure: true},
					{Hosts: []HostPattern{pattern(t, "http://"+host)}, Header: http.Header{"X-Key": {"key"}}},
				},
			}, m.proxy(t, true))
			for _, record := range []bool{false, true, false} {
				req := request(t, c.scheme+"://"+host+"/a?b")
				req.Record = record
				page := get(t, f, req)
				wantNoFault(t, page)
				if got := string(content(t, page)); got != host+"/akey" {
					t.Errorf("the server was asked for %q", got)
				}
				if page.Address.IsValid() || page.Proxy != m.url {
					t.Errorf("fetched from %s through %s, want no address", page.Address,
						page.Proxy)
				}
				if record && strings.Contains(string(page.Recording.Request), "Basic ") {
					t.Errorf("recorded as %q", page.Recording.Request)
				}
			}
			for _, got := range m.requests() {
				if got != strings.Replace(c.want, "PORT", portAt(at), 1) {
					t.Errorf("the proxy received %q, want %q", got, c.want)
				}
			}
			if _, err := f.Locate(t.Context(), crawler.Host(host)); err == nil {
				t.Error("the host was located, although its proxy looks it up")
			}
		})
	}
}

// A proxy receives no request for a refused address, in any notation and behind any name.
func TestAProxyReceivesNoPrivateAddresses(t *testing.T) {
	t.Parallel()
	z := testdns.New(t, "in.example. 60 IN A 10.1.2.3", "meta.example. 60 IN AAAA 64:ff9b::a9fe:a9fe",
		"both.example. 0 IN A 10.0.0.1", "both.example. 0 IN A 127.0.0.2")
	for _, remote := range []bool{false, true} {
		for _, m := range []*testProxy{newHTTPProxy(t, false), newSOCKS(t)} {
			f := through(t, Config{Resolver: dns.NewResolver([]netip.AddrPort{z.At})}, m.proxy(t, remote))
			urls := []string{
				"http://127.0.0.1/", "https://[::1]/", "http://169.254.169.254/latest/", "http://0x7f.1/",
				"http://[::ffff:10.0.0.1]/", "http://localhost/",
				"https://a.localhost/", "http://9.9.9.9:22/",
			}
			if remote {
				urls = append(urls, "http://intranet/", "http://metadata.google.internal/", "https://printer.local/",
					"http://nas.home.arpa./")
			} else {
				urls = append(urls, "http://in.example/", "https://meta.example/")
			}
			for _, url := range urls {
				page := get(t, f, request(t, url))
				wantFault(t, page, fetched.FaultBlocked, false)
			}
			if got := m.requests(); len(got) > 0 {
				t.Errorf("the proxy received %q", got)
			}
		}
	}
}

// The name server changes the address of a name after the check.
func TestAProxyReceivesTheCheckedAddress(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page") })
	port := portAt(server.URL)
	z := testdns.New(t, "example.com. 0 IN A 127.0.0.1")
	m := newHTTPProxy(t, false)
	f := through(t, Config{
		AllowCIDR: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Resolver:  dns.NewResolver([]netip.AddrPort{z.At}),
	}, m.proxy(t, false))
	wantNoFault(t, get(t, f, request(t, "http://example.com:"+port+"/")))
	z.Set("example.com. 0 IN A 127.0.0.2")
	wantNoFault(t, get(t, f, request(t, "http://example.com:"+port+"/")))
	f.Close()
	f.cfg.Resolver.Forget("example.com")
	wantFault(t, get(t, f, request(t, "http://example.com:"+port+"/")), fetched.FaultBlocked, false)
	for _, got := range m.requests() {
		if got != "CONNECT 127.0.0.1:"+port {
			t.Errorf("the proxy received %q", got)
		}
	}
}

func TestAnotherProxyIsUsedIfOneFails(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page") })
	good, strict := newHTTPProxy(t, false), newSOCKS(t)
	strict.login = "ann:other"
	dead, err := proxy.Parse("http://"+unusedAddr(t), false)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := proxy.Parse(strings.Replace(strict.url, "://", "://ann:secret@", 1), false)
	if err != nil {
		t.Fatal(err)
	}
	f := through(t, Config{AllowPrivate: true}, dead, wrong, good.proxy(t, false))
	page := get(t, f, request(t, server.URL))
	wantNoFault(t, page)
	if page.Proxy != good.url {
		t.Errorf("fetched through %s", page.Proxy)
	}

	f = through(t, Config{AllowPrivate: true}, wrong)
	page = get(t, f, request(t, server.URL))
	wantFault(t, page, fetched.FaultConnect, true)
	if !strings.Contains(page.Fault.Text, strict.url) || strings.Contains(page.Fault.Text, "secret") {
		t.Errorf("fault text: got %s", page.Fault.Text)
	}
}

// unusedAddr returns an address without a listener.
func unusedAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestFaultsOfAProxyAndOfItsHostDiffer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		proxy  *testProxy
		fails  int
		login  string
		kind   fetched.FaultKind
		passes bool
		says   string
	}{
		{"an unreachable host", newHTTPProxy(t, false), 502, "", fetched.FaultConnect, true,
			"502 Bad Gateway"},
		{"a forbidden host", newHTTPProxy(t, false), 403, "", fetched.FaultBlocked, false, "403 Forbidden"},
		{"a wrong login", newHTTPProxy(t, false), 407, "", fetched.FaultConnect, true, "wants another login"},
		{"SOCKS, a refused connection", newSOCKS(t), 5, "", fetched.FaultConnect, true, "refused"},
		{"SOCKS, a forbidden host", newSOCKS(t), 2, "", fetched.FaultBlocked, false, "ruleset"},
		{"SOCKS, a missing login", newSOCKS(t), 0, "ann:other", fetched.FaultConnect, true, "authentication"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.proxy.proxy(t, false)
			c.proxy.fails, c.proxy.login = c.fails, c.login
			page := get(t, through(t, Config{AllowPrivate: true}, p), request(t, "http://127.0.0.1:8080/"))
			wantFault(t, page, c.kind, c.passes)
			if !strings.Contains(page.Fault.Text, c.says) || !strings.Contains(page.Fault.Text, c.proxy.url) {
				t.Errorf("fault text: got %s", page.Fault.Text)
			}
		})
	}
}

func TestHostsCanBeExcludedFromProxies(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page") })
	m := newHTTPProxy(t, false)
	f := through(t, Config{
		AllowPrivate: true, Rules: []Rule{{Hosts: []HostPattern{pattern(t, strings.TrimPrefix(server.URL, "http://"))},
			Proxies: []*proxy.Proxy{nil}}},
	}, m.proxy(t, false))
	page := get(t, f, request(t, server.URL))
	wantNoFault(t, page)
	if got := m.requests(); len(got) > 0 || page.Proxy != "" {
		t.Errorf("the proxy received %q", got)
	}
}

// A proxy that never finishes its reply to CONNECT must not block a request.
func TestAStalledProxyTimesOut(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	origin := serveRaw(t, func(net.Conn, string) { <-stop })
	t.Cleanup(func() { close(stop) })
	p, err := proxy.Parse(origin, false)
	if err != nil {
		t.Fatal(err)
	}
	page := get(t, through(t, Config{AllowPrivate: true, ConnectTimeout: 100_000_000}, p),
		request(t, "http://127.0.0.1:8080/"))
	wantFault(t, page, fetched.FaultConnect, true)
}
