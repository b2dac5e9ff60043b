package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

// restTerm is how long a proxy that could not be reached is avoided, if there are others.
const restTerm = 30 * time.Second

// Proxy is a proxy server. It is safe to print: its password is left out. It is safe for
// concurrent use.
type Proxy struct {
	scheme string // http, https, socks5
	addr   string // host:port
	login  urltext.Login
	// remote says that the proxy resolves names. Then it is up to the proxy to refuse their
	// addresses.
	remote bool
	rests  atomic.Int64 // until when, in nanoseconds since the unix epoch
}

// defaultPorts are the default ports of the kinds of proxies.
var defaultPorts = map[string]string{"http": "8080", "https": "443", "socks5": "1080", "socks5h": "1080"}

var errURL = errors.New("write http://, https:// or socks5://[USER:PASSWORD@]HOST[:PORT]")

// Parse parses the URL of a proxy, with or without a login: http, https, socks5, or
// socks5h, which resolves names itself. remoteDNS makes any kind resolve names. The error
// quotes the URL without its login.
func Parse(text string, remoteDNS bool) (*Proxy, error) {
	u, err := url.Parse(text)
	if err != nil { // its text has the password
		return nil, fmt.Errorf("proxy %q is no URL: %w, percent-encoded where it has %%, /, ?, # or @ in a password",
			urltext.HideLogin(text), errURL)
	}
	port, known := defaultPorts[u.Scheme]
	if !known || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("proxy %q: %w", urltext.HideLogin(text), errURL)
	}
	password, _ := u.User.Password()
	return &Proxy{
		scheme: strings.TrimSuffix(u.Scheme, "h"),
		addr:   net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)),
		login:  urltext.NewLogin(u.User.Username(), password),
		remote: remoteDNS || u.Scheme == "socks5h",
	}, nil
}

// String returns the URL of the proxy without its login.
func (p *Proxy) String() string { return p.scheme + "://" + p.addr }

// GoString is String, for %#v.
func (p *Proxy) GoString() string { return p.String() }

// Address returns the host and port of the proxy.
func (p *Proxy) Address() string { return p.addr }

// Secure reports whether connections to the proxy itself use TLS.
func (p *Proxy) Secure() bool { return p.scheme == "https" }

// Remote reports whether the proxy resolves names. It is false for nil, which stands for no proxy.
func (p *Proxy) Remote() bool { return p != nil && p.remote }

// Forwards reports whether plain http requests are sent to the proxy as they are, rather
// than through a tunnel. Only a proxy that resolves names gets them so, because the request
// names the host. Most proxies refuse tunnels to port 80.
func (p *Proxy) Forwards() bool { return p != nil && p.remote && p.scheme != "socks5" }

// URL returns the proxy as a URL, with its login, for net/http.
func (p *Proxy) URL() *url.URL {
	u := &url.URL{Scheme: p.scheme, Host: p.addr}
	if !p.login.IsZero() {
		u.User = url.UserPassword(p.login.User, p.login.Password())
	}
	return u
}

// Rest makes [Ranked] avoid the proxy for a while.
func (p *Proxy) Rest() { p.rests.Store(time.Now().Add(restTerm).UnixNano()) }

func (p *Proxy) resting(now time.Time) bool { return p != nil && p.rests.Load() > now.UnixNano() }

// Ranked returns proxies in the order of preference for a host; nil stands for none. It uses rendezvous hashing,
// so that hosts are spread evenly and each stays with its proxy, in all workers and across
// restarts, even when other proxies come and go. Proxies that rest come last.
func Ranked(proxies []*Proxy, host string) []*Proxy {
	now := time.Now()
	if len(proxies) == 1 {
		return proxies
	}
	type place struct {
		proxy  *Proxy
		rests  int
		weight uint64
	}
	places := make([]place, len(proxies))
	for i, p := range proxies {
		places[i] = place{p, 0, weight(p, host)}
		if p.resting(now) {
			places[i].rests = 1
		}
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.rests, b.rests), cmp.Compare(b.weight, a.weight))
	})
	order := make([]*Proxy, len(places))
	for i, p := range places {
		order[i] = p.proxy
	}
	return order
}

// weight is the weight of a proxy for a host. FNV alone hardly mixes its last input bytes;
// the rest is the finalizer of MurmurHash3.
func weight(p *Proxy, host string) uint64 {
	h := fnv.New64a()
	if p != nil {
		h.Write([]byte(p.String()))
	}
	h.Write([]byte("\x00" + host))
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
