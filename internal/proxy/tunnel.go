package proxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/proxy"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// maxHead is how many bytes the head of a proxy's answer to CONNECT may have.
const maxHead = 16 << 10

// Error is why a proxy made no connection.
type Error struct {
	Proxy string // its URL, without the login
	To    string // the target; "" if the proxy could not be asked
	Kind  fetched.FaultKind
	Err   error
}

// Error says what is wrong, without the login.
func (e *Error) Error() string {
	if e.To == "" {
		return "the proxy " + e.Proxy + " cannot be used: " + plain.Cause(e.Err)
	}
	return "the proxy " + e.Proxy + " does not connect to " + e.To + ": " + plain.Cause(e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Own reports whether the problem is the proxy's, regardless of the target.
func (e *Error) Own() bool { return e.To == "" }

// Unreachable returns the error of a proxy that could not be reached.
func (p *Proxy) Unreachable(err error) error {
	return &Error{p.String(), "", fetched.FaultConnect, err}
}

// Tunnel asks the proxy, over a connection to it, for a connection to a host and port. at is the
// address in to, if to is an address. The connection belongs to Tunnel, which closes it when it
// fails: the error is then an [Error]. The end of ctx ends it.
func (p *Proxy) Tunnel(ctx context.Context, conn net.Conn, to string, at netip.AddrPort) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var err error
	if p.scheme == "socks5" {
		err = p.askSOCKS(ctx, conn, to)
	} else {
		err = p.askHTTP(conn, to)
	}
	if err == nil && !stop() {
		err = p.Unreachable(context.Cause(ctx))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &proxied{conn, &route{p.String(), at}}, nil
}

// Forwarding returns a connection to the proxy over which requests are sent as they are.
func (p *Proxy) Forwarding(conn net.Conn) net.Conn { return &proxied{conn, &route{proxy: p.String()}} }

// askHTTP asks for a tunnel (RFC 9110, 9.3.6).
func (p *Proxy) askHTTP(conn net.Conn, to string) error {
	ask := "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n"
	if !p.login.IsZero() {
		login := []byte(p.login.User + ":" + p.login.Password())
		ask += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString(login) + "\r\n"
	}
	if _, err := io.WriteString(conn, ask+"\r\n"); err != nil {
		return p.Unreachable(err)
	}
	head := &io.LimitedReader{R: conn, N: maxHead}
	in := bufio.NewReader(head)
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return p.Unreachable(err)
	}
	answer := fmt.Errorf("it answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return p.Unreachable(fmt.Errorf("it wants another login (%d)", resp.StatusCode))
	case resp.StatusCode == http.StatusForbidden:
		return &Error{p.String(), to, fetched.FaultBlocked, answer}
	default:
		return &Error{p.String(), to, fetched.FaultConnect, answer}
	}
	if in.Buffered() > 0 { // the server sent data first, which HTTP servers do not
		return p.Unreachable(errors.New("it sends something that nobody asked for"))
	}
	return nil
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
		return p.Unreachable(err)
	case strings.Contains(reply, "ruleset"):
		return &Error{p.String(), to, fetched.FaultBlocked, errors.New(reply)}
	}
	return &Error{p.String(), to, fetched.FaultConnect, errors.New(reply)}
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

// PeerOf returns the remote address of a connection, or the zero one, and the proxy in
// between, if there is one.
func PeerOf(conn net.Conn) (at netip.AddrPort, proxy string) {
	switch peer := conn.RemoteAddr().(type) {
	case *net.TCPAddr:
		at = peer.AddrPort()
	case *route:
		at, proxy = peer.to, peer.proxy
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), proxy
}
