package fetch

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
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

// dialer makes connections that the guard agrees to.
type dialer struct {
	guard      *guard
	open       net.Dialer // to wherever
	guarded    net.Dialer
	tls        *tls.Config
	tlsTimeout time.Duration
}

func newDialer(cfg Config, g *guard) *dialer {
	return &dialer{
		guard:      g,
		open:       net.Dialer{Timeout: cfg.ConnectTimeout},
		guarded:    net.Dialer{Timeout: cfg.ConnectTimeout, ControlContext: g.control},
		tls:        &tls.Config{RootCAs: cfg.rootCAs, NextProtos: []string{"h2", "http/1.1"}},
		tlsTimeout: cfg.TLSTimeout,
	}
}

func (d *dialer) dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	if d.guard.opens(hostPort) {
		return d.open.DialContext(ctx, network, hostPort)
	}
	return d.guarded.DialContext(ctx, network, hostPort)
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
