package fetch

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/repair"
)

// way is how a request is made. Different ways share no connections.
type way struct {
	http1  bool // only HTTP/1.1; also used for recording
	legacy bool // with the old ciphers of [crawler.TLSLegacy]
}

var ways = []way{{}, {http1: true}, {legacy: true}, {http1: true, legacy: true}}

// newTransports returns a transport for each way.
func newTransports(cfg Config, g *guard.Guard, a *access) map[way]*http.Transport {
	all := make(map[way]*http.Transport, len(ways))
	for _, w := range ways {
		d := newDialer(cfg, g, a)
		if w.legacy {
			allowLegacy(d.tls)
		}
		all[w] = newTransport(cfg, d, w)
	}
	return all
}

// newTransport returns a transport. It only knows the proxies that requests are forwarded
// to; the dialer makes the tunnels, so that the guard sees where they lead.
func newTransport(cfg Config, d *dialer, w way) *http.Transport {
	t := &http.Transport{
		Proxy:                  forwardTo,
		DialContext:            readable(d.dial, cfg.MaxHeaderBytes, w.http1),
		DialTLSContext:         readable(d.dialTLS, cfg.MaxHeaderBytes, w.http1),
		DisableCompression:     true, // package fetch has its own decoders
		ResponseHeaderTimeout:  cfg.HeaderTimeout,
		MaxResponseHeaderBytes: cfg.MaxHeaderBytes,
		MaxIdleConns:           cfg.IdleConns,
		MaxIdleConnsPerHost:    cfg.IdleConns,
		IdleConnTimeout:        cfg.IdleTimeout,
	}
	if w.http1 { // recordings need it too, because WARC readers expect HTTP/1 messages
		d.tls.NextProtos = []string{"http/1.1"}
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		return t
	}
	t.ForceAttemptHTTP2 = true
	t.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: streamWindow}
	return t
}

// readable wraps a dial function so that HTTP/1 answers on its connections are repaired,
// and, if tapped is set, recorded before that. For HTTP/2 the transport must see the bare
// [tls.Conn], to learn that HTTP/2 was negotiated.
func readable(dial func(context.Context, string, string) (net.Conn, error), most int64,
	tapped bool) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, hostPort string) (net.Conn, error) {
		conn, err := dial(ctx, network, hostPort)
		if err != nil {
			return nil, err
		}
		if secure, ok := conn.(*tls.Conn); ok && secure.ConnectionState().NegotiatedProtocol == "h2" {
			return conn, nil
		}
		if tapped {
			conn = &tap{Conn: conn}
		}
		return repair.New(conn, most), nil
	}
}

// allowLegacy adds the TLS 1.2 ciphers that Go supports but does not offer by default:
// those with RSA key exchange or CBC. Go does not support DHE, and RC4 stays disabled.
func allowLegacy(cfg *tls.Config) {
	cfg.CipherSuites = legacySuites
}

var legacySuites = func() (ids []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		switch s.ID {
		case tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA:
		default:
			ids = append(ids, s.ID)
		}
	}
	return ids
}()

// Bounds of the memory of hosts that demand HTTP/1.1.
const (
	maxHTTP1  = 1024
	http1Life = time.Hour
)

// http1Hosts remembers which hosts refused HTTP/2 because they demand HTTP/1.1 (RFC 9113,
// 7: HTTP_1_1_REQUIRED). It is safe for concurrent use; the zero value is ready to use.
type http1Hosts struct {
	mu    sync.Mutex
	since map[crawler.Host]time.Time
}

// add remembers a host, and reports whether it was not known.
func (h *http1Hosts) add(host crawler.Host) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if since, ok := h.since[host]; ok && time.Since(since) < http1Life {
		return false
	}
	if h.since == nil || len(h.since) >= maxHTTP1 {
		h.since = make(map[crawler.Host]time.Time)
	}
	h.since[host] = time.Now()
	return true
}

func (h *http1Hosts) has(host crawler.Host) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	since, ok := h.since[host]
	return ok && time.Since(since) < http1Life
}
