package fetch

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/proxy"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Bounds of connecting through proxies.
const (
	maxProxies = 3        // tried for one connection
	maxTargets = 3        // addresses of a host that a proxy is given, one after the other
	proxyHead  = 16 << 10 // bytes of a proxy's answer to CONNECT
)

// proxyError is why a proxy made no connection.
type proxyError struct {
	proxy string
	to    string // the target; "" if the proxy could not be asked
	kind  crawler.FaultKind
	err   error
}

// Error says what is wrong, without the login.
func (e *proxyError) Error() string {
	if e.to == "" {
		return "the proxy " + e.proxy + " cannot be used: " + plain(e.err)
	}
	return "the proxy " + e.proxy + " does not connect to " + e.to + ": " + plain(e.err)
}

func (e *proxyError) Unwrap() error { return e.err }

// own reports whether the problem is the proxy's, regardless of the target.
func (e *proxyError) own() bool { return e.to == "" }

// through connects to a port of a host through the first proxy that can be used.
func (d *dialer) through(ctx context.Context, proxies []*Proxy, name, port string) (net.Conn, error) {
	var first error
	order := ranked(proxies, name)
	for _, p := range order[:min(len(order), maxProxies)] {
		if p == nil {
			return d.straight(ctx, name, port)
		}
		conn, err := d.by(ctx, p, name, port)
		var trouble *proxyError
		if err == nil || !errors.As(err, &trouble) || !trouble.own() {
			return conn, err
		}
		p.rest()
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// by connects to a port of a host through one proxy. Unless the proxy resolves names, it is
// given an address that the guard has judged, so that no name can lead it elsewhere.
func (d *dialer) by(ctx context.Context, p *Proxy, name, port string) (net.Conn, error) {
	if p.remote {
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
		var trouble *proxyError
		if err == nil || errors.As(err, &trouble) && trouble.own() || ctx.Err() != nil {
			return conn, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// tunnel asks a proxy for a connection. at is the address in to, if to is an address.
func (d *dialer) tunnel(ctx context.Context, p *Proxy, to string, at netip.AddrPort) (net.Conn, error) {
	conn, err := d.toProxy(ctx, p)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if p.scheme == "socks5" {
		err = p.askSOCKS(ctx, conn, to)
	} else {
		conn, err = p.askHTTP(conn, to)
	}
	if err == nil && !stop() {
		err = &proxyError{p.String(), "", fetched.FaultConnect, context.Cause(ctx)}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &proxied{conn, &route{p.String(), at}}, nil
}

// toProxy connects to the proxy itself. The guard does not judge it, because the operator
// named it.
func (d *dialer) toProxy(ctx context.Context, p *Proxy) (net.Conn, error) {
	conn, err := d.connectProxy(ctx, p)
	if err != nil {
		return nil, &proxyError{p.String(), "", fetched.FaultConnect, err}
	}
	return conn, nil
}

func (d *dialer) connectProxy(ctx context.Context, p *Proxy) (net.Conn, error) {
	name, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return nil, err
	}
	to, err := d.lookUp(ctx, name, port)
	if err != nil {
		return nil, err
	}
	conn, _, err := race(ctx, to)
	if err != nil || p.scheme != "https" {
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

// askHTTP asks for a tunnel (RFC 9110, 9.3.6). The caller must use or close the returned
// connection.
func (p *Proxy) askHTTP(conn net.Conn, to string) (net.Conn, error) {
	own := func(err error) error { return &proxyError{p.String(), "", fetched.FaultConnect, err} }
	ask := "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n"
	if !p.login.IsZero() {
		ask += "Proxy-Authorization: " + basicAuth(p.login) + "\r\n"
	}
	if _, err := io.WriteString(conn, ask+"\r\n"); err != nil {
		return conn, own(err)
	}
	head := &io.LimitedReader{R: conn, N: proxyHead}
	in := bufio.NewReader(head)
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return conn, own(err)
	}
	answer := fmt.Errorf("it answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return conn, own(fmt.Errorf("it wants another login (%d)", resp.StatusCode))
	case resp.StatusCode == http.StatusForbidden:
		return conn, &proxyError{p.String(), to, fetched.FaultBlocked, answer}
	default:
		return conn, &proxyError{p.String(), to, fetched.FaultConnect, answer}
	}
	if in.Buffered() > 0 { // the server sent data first, which HTTP servers do not
		return conn, own(errors.New("it sends something that nobody asked for"))
	}
	return conn, nil
}

// overConn is the method of the x/net dialer for using an existing connection.
type overConn interface {
	DialWithConn(ctx context.Context, c net.Conn, network, address string) (net.Addr, error)
}

// askSOCKS asks for a tunnel (RFC 1928).
func (p *Proxy) askSOCKS(ctx context.Context, conn net.Conn, to string) error {
	var auth *proxy.Auth
	if !p.login.IsZero() {
		auth = &proxy.Auth{User: p.login.User, Password: p.login.Password()}
	}
	d, err := proxy.SOCKS5("tcp", p.addr, auth, nil)
	if err == nil {
		_, err = d.(overConn).DialWithConn(ctx, conn, "tcp", to)
	}
	if err == nil {
		return nil
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	reply, about := strings.CutPrefix(err.Error(), "unknown error ") // the prefix that x/net gives to a proxy's reply
	switch {
	case !about:
		return &proxyError{p.String(), "", fetched.FaultConnect, err}
	case strings.Contains(reply, "ruleset"):
		return &proxyError{p.String(), to, fetched.FaultBlocked, errors.New(reply)}
	}
	return &proxyError{p.String(), to, fetched.FaultConnect, errors.New(reply)}
}

// route is how a connection through a proxy reaches its host: the remote address, as far as
// it is known.
type route struct {
	proxy string         // URL without login
	to    netip.AddrPort // the address given to the proxy; zero if it was given a name
}

// Network implements net.Addr.
func (r *route) Network() string { return "tcp" }

// String returns the address and the proxy.
func (r *route) String() string {
	if !r.to.IsValid() {
		return "through " + r.proxy
	}
	return r.to.String() + " through " + r.proxy
}

// proxied is a connection through a proxy. Connections on top of it, such as TLS, report
// the same remote address.
type proxied struct {
	net.Conn
	route *route
}

// RemoteAddr returns the route.
func (c *proxied) RemoteAddr() net.Addr { return c.route }

// peerOf returns the remote address of a connection, or the zero one, and the proxy in
// between, if there is one.
func peerOf(conn net.Conn) (at netip.AddrPort, proxy string) {
	switch peer := conn.RemoteAddr().(type) {
	case *net.TCPAddr:
		at = peer.AddrPort()
	case *route:
		at, proxy = peer.to, peer.proxy
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), proxy
}
