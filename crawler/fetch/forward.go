package fetch

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// forwarding is the key of a context whose request is handed to a proxy as it is,
// in the absolute form (RFC 9112, 3.2.2).
type forwarding struct{}

// forwarder is the proxy that the request of a context is handed to; nil for none.
func forwarder(ctx context.Context) *Proxy {
	p, _ := ctx.Value(forwarding{}).(*Proxy)
	return p
}

// forwardTo tells a transport of it. Connections to a proxy are then shared by all
// requests that go there, and never taken for those of a tunnel.
func forwardTo(r *http.Request) (*url.URL, error) {
	if p := forwarder(r.Context()); p != nil {
		return p.url(), nil
	}
	return nil, nil
}

// forward returns a context in which the request for u goes to the proxy that it is
// to be handed to, if there is one. The error is that the guard refuses the host.
func (d *dialer) forward(ctx context.Context, u crawler.URL) (context.Context, error) {
	if u.Scheme() != "http" {
		return ctx, nil
	}
	name, port := u.Host().Name(), portOf(u)
	proxies := d.access.proxies(name, port)
	if len(proxies) == 0 {
		return ctx, nil
	}
	p := ranked(proxies, name)[0]
	if !p.forwards() {
		return ctx, nil
	}
	if err := d.guard.judgeName(name, port, ctx.Value(portOpen{}) != nil); err != nil {
		return ctx, err
	}
	return context.WithValue(ctx, forwarding{}, p), nil
}

// inside are the last labels of names that lead to no public address: RFC 6761,
// RFC 6762, RFC 8375, and what ICANN keeps for private use.
var inside = []string{"localhost", "local", "internal", "intranet", "corp", "home", "lan", "home.arpa"}

// judgeName returns why a host may not be asked for by its name, which somebody
// else looks up; nil when it may. What the name leads to is not known here: it is
// refused where it is an address that may not be connected to, or a name as they
// are used inside of networks.
func (g *guard) judgeName(name, port string, portOpen bool) error {
	number, _ := strconv.ParseUint(port, 10, 16)
	if portOpen {
		number = 0
	}
	named := g.opening(net.JoinHostPort(name, port))
	if a, err := netip.ParseAddr(name); err == nil {
		named.learn(name, []netip.AddrPort{netip.AddrPortFrom(a, uint16(number))})
		return g.judge(a, int(number), named)
	}
	if named != nil {
		return nil
	}
	if !g.everything && isInside(name) {
		return nameRefusal(name)
	}
	if number != 0 && !g.ports.open(int(number), g.everything && isInside(name)) {
		return portRefusal(number)
	}
	return nil
}

func isInside(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if !strings.Contains(name, ".") {
		return true
	}
	for _, last := range inside {
		if strings.HasSuffix(name, "."+last) {
			return true
		}
	}
	return false
}

// nameRefusal is the error of a name that is not asked a proxy for.
type nameRefusal string

func (n nameRefusal) Error() string {
	return "a proxy is not asked for " + strconv.Quote(string(n)) + ", which is a name inside of a network: --allow-private opens all of those"
}
