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
)

// Bounds of connecting by way of a proxy.
const (
	mostProxies = 3        // that are tried for one connection
	mostTargets = 3        // addresses of a host that a proxy is told, one after the other
	proxyHead   = 16 << 10 // bytes of a proxy's answer to CONNECT
)

// proxyError is why a proxy made no connection.
type proxyError struct {
	proxy string
	to    string // where it was to connect to; "" when it was not asked
	kind  crawler.FaultKind
	err   error
}

// Error says what is wrong, and never with which login.
func (e *proxyError) Error() string {
	if e.to == "" {
		return "the proxy " + e.proxy + " can not be used: " + plain(e.err)
	}
	return "the proxy " + e.proxy + " does not connect to " + e.to + ": " + plain(e.err)
}

func (e *proxyError) Unwrap() error { return e.err }

// own reports whether the trouble is the proxy's, whichever host was asked for.
func (e *proxyError) own() bool { return e.to == "" }

// through connects to a port of a host by way of the first of some proxies that
// can be used.
func (d *dialer) through(ctx context.Context, proxies []*Proxy, name, port string) (net.Conn, error) {
	var first error
	order := ranked(proxies, name)
	for _, p := range order[:min(len(order), mostProxies)] {
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

// by connects to a port of a host by way of one proxy. Unless the proxy is to look
// names up, it is told an address that the guard has judged, so that no name can
// lead it elsewhere.
func (d *dialer) by(ctx context.Context, p *Proxy, name, port string) (net.Conn, error) {
	if p.remote {
		if err := d.guard.judgeName(name, port, ctx.Value(portOpen{}) != nil); err != nil {
			return nil, err
		}
		return d.tunnel(ctx, p, net.JoinHostPort(name, port), netip.AddrPort{})
	}
	to, err := d.addresses(ctx, name, port)
	if err != nil {
		return nil, err
	}
	var first error
	for _, a := range to[:min(len(to), mostTargets)] {
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

// tunnel asks a proxy for a connection. at is the address in to, if it has one.
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
		err = &proxyError{p.String(), "", crawler.FaultConnect, context.Cause(ctx)}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &proxied{conn, &route{p.String(), at}}, nil
}

// toProxy connects to a proxy itself, which the operator named: the guard is not
// asked.
func (d *dialer) toProxy(ctx context.Context, p *Proxy) (net.Conn, error) {
	conn, err := d.connectProxy(ctx, p)
	if err != nil {
		return nil, &proxyError{p.String(), "", crawler.FaultConnect, err}
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

// askHTTP asks for a tunnel (RFC 9110, 9.3.6). The connection that it returns is
// the one to go on with, or to close.
func (p *Proxy) askHTTP(conn net.Conn, to string) (net.Conn, error) {
	own := func(err error) error { return &proxyError{p.String(), "", crawler.FaultConnect, err} }
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
		return conn, &proxyError{p.String(), to, crawler.FaultBlocked, answer}
	default:
		return conn, &proxyError{p.String(), to, crawler.FaultConnect, answer}
	}
	if in.Buffered() > 0 { // a server that speaks first; HTTP has none
		return conn, own(errors.New("it sends something that nobody asked for"))
	}
	return conn, nil
}

// overConn is what the dialer of x/net can do with a connection that is there.
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
	reply, about := strings.CutPrefix(err.Error(), "unknown error ") // so x/net calls what a proxy answers
	switch {
	case !about:
		return &proxyError{p.String(), "", crawler.FaultConnect, err}
	case strings.Contains(reply, "ruleset"):
		return &proxyError{p.String(), to, crawler.FaultBlocked, errors.New(reply)}
	}
	return &proxyError{p.String(), to, crawler.FaultConnect, errors.New(reply)}
}
