package fetch

import (
	"context"
	"net/http"
	"net/url"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/proxy"
)

// forwarding is the context key for the proxy that a request is sent to as it is, in
// absolute form (RFC 9112, 3.2.2).
type forwarding struct{}

// forwarder returns the proxy that the context's request is forwarded to; nil if there is
// none.
func forwarder(ctx context.Context) *proxy.Proxy {
	p, _ := ctx.Value(forwarding{}).(*proxy.Proxy)
	return p
}

// forwardTo tells a transport about that proxy. So all requests to the proxy share its
// connections, and these are never used for tunnels.
func forwardTo(r *http.Request) (*url.URL, error) {
	if p := forwarder(r.Context()); p != nil {
		return p.URL(), nil
	}
	return nil, nil
}

// forward returns a context that makes the request for u go to its forwarding proxy, if
// there is one. The error says that the guard refuses the host.
func (d *dialer) forward(ctx context.Context, u crawler.URL) (context.Context, error) {
	if u.Scheme() != "http" {
		return ctx, nil
	}
	name, port := u.Host().Name(), portOf(u)
	proxies := d.access.proxies(name, port)
	if len(proxies) == 0 {
		return ctx, nil
	}
	p := proxy.Ranked(proxies, name)[0]
	if !p.Forwards() {
		return ctx, nil
	}
	if err := d.guard.JudgeName(name, port, ctx.Value(portOpen{}) != nil); err != nil {
		return ctx, err
	}
	return context.WithValue(ctx, forwarding{}, p), nil
}
