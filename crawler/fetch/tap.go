package fetch

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// tap is a connection of HTTP/1.1 on which one exchange at a time can be
// recorded: above TLS, and beneath net/http, which hands out neither the header
// lines as they came nor the framing of chunks.
type tap struct {
	net.Conn
	tape atomic.Pointer[tape] // nil while nothing is recorded
}

// Write records before it sends: the answer may be here before a Write returns.
func (c *tap) Write(p []byte) (int, error) {
	if t := c.tape.Load(); t != nil {
		t.sent(p)
	}
	return c.Conn.Write(p)
}

func (c *tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if t := c.tape.Load(); t != nil && n > 0 {
		t.came(c, p[:n])
	}
	return n, err
}

// tapped makes the connections of a dial function taps.
func tapped(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, hostPort string) (net.Conn, error) {
		conn, err := dial(ctx, network, hostPort)
		if err != nil {
			return nil, err
		}
		return &tap{Conn: conn}, nil
	}
}

// newTappedTransport returns the transport for requests that are recorded. It
// does not offer HTTP/2, as is the custom of archivers: its octets are no
// message of HTTP/1, which is what readers of WARC know.
func newTappedTransport(cfg Config, d *dialer) *http.Transport {
	t := newTransport(cfg, d)
	d.tls.NextProtos = []string{"http/1.1"}
	t.DialContext, t.DialTLSContext = tapped(d.dial), tapped(d.dialTLS)
	t.ForceAttemptHTTP2, t.HTTP2 = false, nil
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	return t
}
