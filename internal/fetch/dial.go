package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/internal/dns"
	"github.com/trawlcrawler/trawl/internal/guard"
)

// streamWindow is how many bytes of a body HTTP/2 may send ahead of its reader, and thus
// what a stream may buffer while it waits for memory.
const streamWindow = 512 << 10

// dialer makes the connections that the guard permits. It connects to the very addresses
// that the guard judged; no name is resolved in between.
type dialer struct {
	guard      *guard.Guard
	access     *access
	resolver   *dns.Resolver
	timeout    time.Duration // for name resolution and TCP connect together
	tls        *tls.Config
	tlsTimeout time.Duration
}

func newDialer(cfg Config, g *guard.Guard, a *access) *dialer {
	return &dialer{
		guard:    g,
		access:   a,
		resolver: cfg.Resolver,
		timeout:  cfg.ConnectTimeout,
		tls: &tls.Config{RootCAs: cfg.rootCAs, NextProtos: []string{"h2", "http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions)},
		tlsTimeout: cfg.TLSTimeout,
	}
}

// tlsSessions is how many hosts' TLS sessions are kept, to be resumed by the next connection (RFC 8446,
// 2.2): that needs no certificates. A session takes some kilobytes.
const tlsSessions = 512

// portOpen is the context key that permits connections to every port.
type portOpen struct{}

func withPortOpen(ctx context.Context) context.Context {
	return context.WithValue(ctx, portOpen{}, true)
}

func (d *dialer) dial(ctx context.Context, _, hostPort string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if p := forwarder(ctx); p != nil {
		conn, err := d.toProxy(ctx, p)
		if err != nil {
			p.Rest()
			return nil, err
		}
		return p.Forwarding(conn), nil
	}
	name, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	if proxies := d.access.proxies(name, port); len(proxies) > 0 {
		return d.through(ctx, proxies, name, port)
	}
	return d.straight(ctx, name, port)
}

// straight connects to a port of a host without a proxy.
func (d *dialer) straight(ctx context.Context, name, port string) (net.Conn, error) {
	to, err := d.addresses(ctx, name, port)
	if err != nil {
		return nil, err
	}
	conn, at, err := race(ctx, to)
	if err != nil {
		d.resolver.Forget(name) // the host may have moved
		return nil, err
	}
	d.resolver.Prefer(name, at.Addr())
	return conn, nil
}

// addresses returns the permitted addresses of a host, at least one.
func (d *dialer) addresses(ctx context.Context, name, port string) ([]netip.AddrPort, error) {
	all, err := d.lookUp(ctx, name, port)
	if err != nil {
		return nil, err
	}
	named := d.guard.Opening(net.JoinHostPort(name, port))
	named.Learn(name, all)
	judged := int(all[0].Port())
	if ctx.Value(portOpen{}) != nil {
		judged = 0
	}
	var open []netip.AddrPort
	var first error
	for _, a := range all {
		if refused := d.guard.Judge(a.Addr(), judged, named); refused != nil {
			first = cmp.Or(first, refused)
			continue
		}
		open = append(open, a)
	}
	if len(open) == 0 {
		return nil, first
	}
	return open, nil
}

// lookUp returns the addresses of a host, at least one, permitted or not.
func (d *dialer) lookUp(ctx context.Context, name, port string) ([]netip.AddrPort, error) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %q is no port", name, port)
	}
	found, err := d.resolver.Lookup(ctx, name)
	if err != nil {
		return nil, err
	}
	all := make([]netip.AddrPort, len(found))
	for i, a := range found {
		all[i] = netip.AddrPortFrom(a, uint16(number))
	}
	return all, nil
}

// dialTLS does the TLS handshake here rather than in net/http, so that its errors can be
// recognized by type.
func (d *dialer) dialTLS(ctx context.Context, network, hostPort string) (net.Conn, error) {
	raw, err := d.dial(ctx, network, hostPort)
	if err != nil || forwarder(ctx) != nil { // a forwarding proxy's TLS is set up already
		return raw, err
	}
	name, port, _ := net.SplitHostPort(hostPort)
	cfg := d.tls.Clone()
	cfg.ServerName = name
	d.access.trust(cfg, name, port)
	conn := tls.Client(raw, cfg)
	ctx, cancel := context.WithTimeout(ctx, d.tlsTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &handshakeError{hostPort, err, len(cfg.CipherSuites) > 0}
	}
	return conn, nil
}

// handshakeError is the error of a TLS handshake with a host.
type handshakeError struct {
	hostPort string
	err      error
	legacy   bool // old ciphers were offered too
}

func (e *handshakeError) Error() string { return "TLS with " + e.hostPort + ": " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }
