package fetch

import (
	"net"
	"net/netip"
)

// route is how a connection that goes through a proxy leads to its host: the
// address at its other end, as far as that is known.
type route struct {
	proxy string         // its URL, without a login
	to    netip.AddrPort // where the proxy was told to connect to; zero when it was told a name
}

// Network is the kind of the address, for net.Addr.
func (r *route) Network() string { return "tcp" }

// String names the address and the proxy.
func (r *route) String() string {
	if !r.to.IsValid() {
		return "by way of " + r.proxy
	}
	return r.to.String() + " by way of " + r.proxy
}

// proxied is a connection by way of a proxy. What is made of it, such as TLS, says
// the same of its other end.
type proxied struct {
	net.Conn
	route *route
}

// RemoteAddr returns the route.
func (c *proxied) RemoteAddr() net.Addr { return c.route }

// peerOf returns the address at the other end of a connection, or the zero one,
// and the proxy between, if there is one.
func peerOf(conn net.Conn) (at netip.AddrPort, proxy string) {
	switch peer := conn.RemoteAddr().(type) {
	case *net.TCPAddr:
		at = peer.AddrPort()
	case *route:
		at, proxy = peer.to, peer.proxy
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), proxy
}
