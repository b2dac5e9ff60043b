package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/cookie"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/proxy"
	"github.com/trawlcrawler/trawl/internal/repair"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Fetcher makes requests. It is safe for concurrent use. All requests share its idle
// connections and its memory.
type Fetcher struct {
	cfg        Config
	guard      *guard.Guard
	access     *access
	dialer     *dialer
	transports map[way]*http.Transport
	wrapped    *wrapped // the program's own transport around them; nil for none
	signing    *signing // nil for none
	http1      http1Hosts
	memory     *memory // for heads
	windows    *memory // for windows of decoders
	decoders   *decoders
	chunks     sync.Pool // of *chunk
	heads      *heads
	keepers    sync.Pool // of *keeper
}

// New returns a fetcher. It fails if a field of cfg is out of range, or if no file can be
// created in TempDir.
func New(cfg Config) (*Fetcher, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if _, err := os.Stat(cfg.TempDir); cfg.TempDir != "" && err != nil {
		return nil, fmt.Errorf("fetch: no temporary file can be made: %w", err)
	}
	trial, err := spillFile(cfg.TempDir)
	if err != nil {
		return nil, err
	}
	trial.Close()
	g := guard.New(guard.Config{AllowPrivate: cfg.AllowPrivate, AllowHosts: cfg.AllowHosts, AllowCIDR: cfg.AllowCIDR,
		Ports: cfg.Ports, Words: cfg.Words})
	a, err := newAccess(cfg.Rules, cfg.Log)
	if err != nil {
		return nil, err
	}
	d := newDialer(cfg, g, a)
	f := &Fetcher{
		cfg:        cfg,
		guard:      g,
		access:     a,
		dialer:     d,
		transports: newTransports(cfg, g, a),
		wrapped:    newWrapped(cfg),
		signing:    newSigning(cfg),
		memory:     newMemory(cfg.Memory),
		windows:    newMemory(cfg.Windows),
		decoders:   newDecoders(),
		heads:      &heads{most: cfg.HeadBytes},
	}
	f.chunks.New = func() any { return new(chunk) }
	f.keepers.New = func() any { return newKeeper(f) }
	return f, nil
}

// Allow allows connections to a host, only at its port, as Config.AllowHosts does.
func (f *Fetcher) Allow(h crawler.Host) { f.guard.Allow(h) }

// Login sends a login to the host and port of a URL, because an operator wrote it into the
// URL. It takes precedence over the configured rules; see [NewRule].
func (f *Fetcher) Login(u crawler.URL, l urltext.Login) { f.access.admit(NewRule(u, l)) }

// Locate returns the address that a connection to a host goes to, as long as it answers. If
// the name has several, it is the one that answered last, or else the first to be tried.
// The error says that the name cannot be resolved, that its addresses are refused, or that
// ctx ended.
func (f *Fetcher) Locate(ctx context.Context, h crawler.Host) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.ConnectTimeout)
	defer cancel()
	if f.cfg.RemoteDNS(h) {
		return netip.Addr{}, fmt.Errorf("%s is looked up by its proxy", h)
	}
	addresses, err := f.dialer.addresses(withPortOpen(ctx), h.Name(), guard.PortsOf(h)[0])
	if err != nil {
		return netip.Addr{}, err
	}
	return addresses[0].Addr().Unmap(), nil
}

// Secure returns nil if a host speaks TLS at its port (443 if it names none), and otherwise
// why it does not. It makes a connection but no request. An untrusted certificate is not an
// error here, because the request that follows will report it.
func (f *Fetcher) Secure(ctx context.Context, h crawler.Host) error {
	conn, err := f.dialer.dialTLS(withPortOpen(ctx), "tcp", net.JoinHostPort(h.Name(), cmp.Or(h.Port(), "443")))
	if err == nil {
		return conn.Close()
	}
	var untrusted *tls.CertificateVerificationError
	var alert tls.AlertError
	if errors.As(err, &untrusted) || errors.As(err, &alert) {
		return nil
	}
	return err
}

// Close closes the idle connections. Pages that were fetched remain valid.
func (f *Fetcher) Close() {
	for _, t := range f.transports {
		t.CloseIdleConnections()
	}
}

// Fetch makes one request. What the remote side does, good or bad, is reported in the page,
// whose Release the caller must call. The error is ctx.Err() if ctx ended before the answer
// was complete. Otherwise it is internal: no room for a temporary file, no more file
// descriptors, or a request without limits.
//
// If a kept-alive connection turns out to be dead before an answer began, net/http repeats
// the request on another one. The server may then see a request twice, as RFC 9110, 9.2.2
// permits for GET and HEAD.
func (f *Fetcher) Fetch(ctx context.Context, req fetched.Request) (*fetched.Page, error) {
	if req.Timeout <= 0 || req.BodyLimit <= 0 {
		return nil, fmt.Errorf("fetch %s: timeout %s and body limit %d must be more than 0", req.URL, req.Timeout,
			req.BodyLimit)
	}
	page := &fetched.Page{URL: req.URL}
	err := f.ask(ctx, req, page)
	if err == nil && page.Fault == nil {
		return page, nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		page.Release()
		return nil, err
	}
	return page, nil
}

// ask makes the request and fills in the page.
func (f *Fetcher) ask(ctx context.Context, req fetched.Request, page *fetched.Page) error {
	d := startDeadline(ctx, req.Timeout)
	defer d.stop()
	reqCtx := d.ctx
	if req.PortOpen {
		reqCtx = withPortOpen(reqCtx)
	}
	by, t := way{http1: req.Record || f.http1.has(req.URL.Host()), legacy: req.TLS == crawler.TLSLegacy},
		(*recorder)(nil)
	if req.Record {
		t = f.newRecorder(req.BodyLimit)
		defer t.stop()
	}
	reqCtx, err := f.dialer.forward(reqCtx, req.URL)
	if err != nil {
		page.Fault = f.faultOf(err)
		return nil
	}
	var answers *repair.Repairer // of the connection used last; nil with HTTP/2
	var repairs *fetched.Repairs
	out := newRequest(reqCtx, req, func(conn net.Conn) {
		page.Address, page.Proxy = proxy.PeerOf(conn)
		if answers, _ = conn.(*repair.Repairer); answers == nil {
			return
		}
		if repairs = answers.Begin(); req.Head {
			answers.WithoutBody()
		}
		if c, ok := answers.Conn.(*tap); ok && t != nil {
			t.start(c)
		}
	})
	secret := f.credentials(out, req)
	signed := f.signing.sign(out, req.URL)
	page.Started = time.Now()
	defer func() { page.Duration = time.Since(page.Started) }()
	resp, came, err := f.roundTrip(out, f.transports[by])
	if err != nil {
		if wantsHTTP1(err) && !by.http1 {
			f.http1.add(req.URL.Host())
			page.Fault = &fetched.Fault{Kind: fetched.FaultProtocol, Text: "the server wants HTTP/1.1", Passes: true,
				Again: true}
			return nil
		}
		page.Fault, err = f.diagnose(d, err)
		return err
	}
	defer resp.Body.Close()
	if answers != nil {
		defer func() { page.Repaired = answers.Told(repairs) }()
	}
	if req.Jar != nil {
		req.Jar.SetCookies(cookieURL(req.URL), cookie.Received(resp.Header))
	}
	if page.Fault = f.overlong(resp.Header); page.Fault != nil {
		d.stop()
		page.Status = resp.StatusCode
		return nil
	}
	defer func() { page.Hint = cmp.Or(hintOf(page), signatureHint(page, signed)) }()
	if t != nil && came == nil {
		t.simulate(out, resp)
		came = resp
	}
	a := f.answer(d, req, resp, page)
	if !signed {
		if page.Fault = f.signing.demand(req.URL, resp); page.Fault != nil {
			a.src.drain(drainBytes)
			return nil
		}
	}
	if t != nil {
		a.came = came
		defer func() { page.Recording.Request = masked(page.Recording.Request, secret) }()
		return a.readOnto(t)
	}
	return a.read()
}

// overlong returns the fault of an answer with too many headers, none of which are kept;
// nil if their number is allowed.
func (f *Fetcher) overlong(h http.Header) *fetched.Fault {
	lines := 0
	for _, values := range h {
		lines += len(values)
	}
	if lines <= f.cfg.MaxHeaders {
		return nil
	}
	text := fmt.Sprintf("the answer has %d header lines, at most %d are taken", lines, f.cfg.MaxHeaders)
	return &fetched.Fault{Kind: fetched.FaultProtocol, Text: text}
}
