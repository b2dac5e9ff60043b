package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"

	"github.com/trawlcrawler/trawl/internal/proxy"
)

// Bounds of connecting through proxies.
const (
	maxProxies = 3 // tried for one connection
	maxTargets = 3 // addresses of a host that a proxy is given, one after the other
)

// through connects to a port of a host through the first proxy that can be used.
func (d *dialer) through(ctx context.Context, proxies []*proxy.Proxy, name, port string) (net.Conn, error) {
	var first error
	order := proxy.Ranked(proxies, name)
	for _, p := range order[:min(len(order), maxProxies)] {
		if p == nil {
			return d.straight(ctx, name, port)
		}
		conn, err := d.by(ctx, p, name, port)
		var trouble *proxy.Error
		if err == nil || !errors.As(err, &trouble) || !trouble.Own() {
			return conn, err
		}
		p.Rest()
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// by connects to a port of a host through one proxy. Unless the proxy resolves names, it is
// given an address that the guard has judged, so that no name can lead it elsewhere.
func (d *dialer) by(ctx context.Context, p *proxy.Proxy, name, port string) (net.Conn, error) {
	if p.Remote() {
		if err := d.guard.JudgeName(name, port, ctx.Value(portOpen{}) != nil); err != nil {
			return nil, err
		}
		return d.tunnel(ctx, p, net.JoinHostPort(name, port), netip.AddrPort{})
	}
	to, err := d.addresses(ctx, name, port)
	if err != nil {
		return nil, err
	}
	var first error
	for _, a := range to[:min(len(to), maxTargets)] {
		conn, err := d.tunnel(ctx, p, a.String(), a)
		var trouble *proxy.Error
		if err == nil || errors.As(err, &trouble) && trouble.Own() || ctx.Err() != nil {
			return conn, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// tunnel asks a proxy for a connection. at is the address in to, if to is an address.
func (d *dialer) tunnel(ctx context.Context, p *proxy.Proxy, to string, at netip.AddrPort) (net.Conn, error) {
	conn, err := d.toProxy(ctx, p)
	if err != nil {
		return nil, err
	}
	return p.Tunnel(ctx, conn, to, at)
}

// toProxy connects to the proxy itself. The guard does not judge it, because the operator
// named it.
func (d *dialer) toProxy(ctx context.Context, p *proxy.Proxy) (net.Conn, error) {
	conn, err := d.connectProxy(ctx, p)
	if err != nil {
		return nil, p.Unreachable(err)
	}
	return conn, nil
}

func (d *dialer) connectProxy(ctx context.Context, p *proxy.Proxy) (net.Conn, error) {
	name, port, err := net.SplitHostPort(p.Address())
	if err != nil {
		return nil, err
	}
	to, err := d.lookUp(ctx, name, port)
	if err != nil {
		return nil, err
	}
	conn, _, err := race(ctx, to)
	if err != nil || !p.Secure() {
		return conn, err
	}
	cfg := d.tls.Clone()
	cfg.ServerName, cfg.NextProtos = name, []string{"http/1.1"}
	d.access.trust(cfg, name, port)
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}
