package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// streamWindow is how many bytes of a body HTTP/2 may send ahead of its reader,
// and thus what a stream holds while it waits for memory.
const streamWindow = 512 << 10

// newTransport returns the one transport of a fetcher. There is no proxy: it
// would make the connections that the guard must see.
func newTransport(cfg Config, g *guard) *http.Transport {
	d := newDialer(cfg, g)
	return &http.Transport{
		DialContext:            d.dial,
		DialTLSContext:         d.dialTLS,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerStream: streamWindow},
		DisableCompression:     true, // decoders are our own
		ResponseHeaderTimeout:  cfg.HeaderTimeout,
		MaxResponseHeaderBytes: cfg.MaxHeaderBytes,
		MaxIdleConns:           cfg.IdleConns,
		MaxIdleConnsPerHost:    cfg.IdleConns,
		IdleConnTimeout:        cfg.IdleTimeout,
	}
}

// dialer makes connections that the guard agrees to. The addresses that it asks
// the guard about are those that it connects to: no name is looked up between.
type dialer struct {
	guard      *guard
	resolver   *Resolver
	timeout    time.Duration // of name resolution and TCP connect together
	tls        *tls.Config
	tlsTimeout time.Duration
}

func newDialer(cfg Config, g *guard) *dialer {
	return &dialer{
		guard:      g,
		resolver:   cfg.Resolver,
		timeout:    cfg.ConnectTimeout,
		tls:        &tls.Config{RootCAs: cfg.rootCAs, NextProtos: []string{"h2", "http/1.1"}},
		tlsTimeout: cfg.TLSTimeout,
	}
}

// portOpen is the key of a context in which every port may be connected to.
type portOpen struct{}

func withPortOpen(ctx context.Context) context.Context {
	return context.WithValue(ctx, portOpen{}, true)
}

func (d *dialer) dial(ctx context.Context, _, hostPort string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	name, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	to, err := d.addresses(ctx, name, port)
	if err != nil {
		return nil, err
	}
	conn, at, err := race(ctx, to)
	if err != nil {
		d.resolver.names.forget(name) // it may have moved
		return nil, err
	}
	d.resolver.names.prefer(name, at.Addr())
	return conn, nil
}

// addresses returns where a host may be connected to, at least one.
func (d *dialer) addresses(ctx context.Context, name, port string) ([]netip.AddrPort, error) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %q is no port", name, port)
	}
	all, err := d.resolver.Lookup(ctx, name)
	if err != nil {
		return nil, err
	}
	named := d.guard.opens(net.JoinHostPort(name, port))
	judged := int(number)
	if ctx.Value(portOpen{}) != nil {
		judged = 0
	}
	var open []netip.AddrPort
	var first error
	for _, a := range all {
		if !named {
			if refused := d.guard.judge(a, judged); refused != nil {
				first = cmp.Or(first, refused)
				continue
			}
		}
		open = append(open, netip.AddrPortFrom(a, uint16(number)))
	}
	if len(open) == 0 {
		return nil, first
	}
	return open, nil
}

// dialTLS shakes hands here and not in net/http, so that what goes wrong in it
// can be told apart by type. The transport must see a bare [tls.Conn] to learn
// that HTTP/2 was agreed on.
func (d *dialer) dialTLS(ctx context.Context, network, hostPort string) (net.Conn, error) {
	raw, err := d.dial(ctx, network, hostPort)
	if err != nil {
		return nil, err
	}
	cfg := d.tls.Clone()
	cfg.ServerName, _, _ = net.SplitHostPort(hostPort)
	conn := tls.Client(raw, cfg)
	ctx, cancel := context.WithTimeout(ctx, d.tlsTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &handshakeError{hostPort, err}
	}
	return conn, nil
}

// handshakeError is the error of a TLS handshake with a host.
type handshakeError struct {
	hostPort string
	err      error
}

func (e *handshakeError) Error() string { return "TLS with " + e.hostPort + ": " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }
