package fetch

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Fetcher makes requests. It is safe for concurrent use, and shares its warm
// connections and its memory among all requests.
type Fetcher struct {
	cfg       Config
	guard     *guard
	access    *access
	dialer    *dialer
	transport *http.Transport
	tapped    *http.Transport // for requests that are recorded
	memory    *memory         // of heads
	windows   *memory         // of decoders
	decoders  *decoders
	chunks    sync.Pool // of *chunk
	heads     *heads
	keepers   sync.Pool // of *keeper
}

// New returns a fetcher with the limits of cfg. It fails where a field of cfg
// is out of range, and where no file can be made in TempDir.
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
	g := newGuard(cfg)
	a, err := newAccess(cfg.Rules, cfg.Log)
	if err != nil {
		return nil, err
	}
	d := newDialer(cfg, g, a)
	f := &Fetcher{
		cfg:       cfg,
		guard:     g,
		access:    a,
		dialer:    d,
		transport: newTransport(cfg, d),
		tapped:    newTappedTransport(cfg, newDialer(cfg, g, a)),
		memory:    newMemory(cfg.Memory),
		windows:   newMemory(cfg.Windows),
		decoders:  newDecoders(),
		heads:     &heads{most: cfg.HeadBytes},
	}
	f.chunks.New = func() any { return new(chunk) }
	f.keepers.New = func() any { return newKeeper(f) }
	return f, nil
}

// Allow opens where a host leads, at its port alone, as Config.AllowHosts does.
func (f *Fetcher) Allow(h crawler.Host) { f.guard.allow(h) }

// Login has a login sent to the host and port of a URL that an operator wrote it
// in, over the rules of the configuration, as [NewRule] has it.
func (f *Fetcher) Login(u crawler.URL, l crawler.Login) { f.access.admit(NewRule(u, l)) }

// Locate returns the address that a connection to a host goes to, as long as it
// answers there: where the name has several, the one that answered last, or is
// tried first. The error is that the name can not be looked up, that its
// addresses are refused, or ctx's.
func (f *Fetcher) Locate(ctx context.Context, h crawler.Host) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.ConnectTimeout)
	defer cancel()
	if f.cfg.RemoteDNS(h) {
		return netip.Addr{}, fmt.Errorf("%s is looked up by its proxy", h)
	}
	addresses, err := f.dialer.addresses(withPortOpen(ctx), h.Name(), portsOf(h)[0])
	if err != nil {
		return netip.Addr{}, err
	}
	return addresses[0].Addr().Unmap(), nil
}

// Close lets go of the idle connections. Pages that were fetched stay good.
func (f *Fetcher) Close() {
	f.transport.CloseIdleConnections()
	f.tapped.CloseIdleConnections()
}

// Fetch makes one request. What the web does, good or bad, is in the page,
// whose Release the caller calls. The error is ctx.Err() where ctx ended before
// the answer was whole, and otherwise says what ails our own house: no room
// for a temporary file, no more file descriptors, a request without limits.
//
// Where a warm connection turns out to be dead before an answer began, net/http
// sends the request once more on another one. The server may then see a
// request twice, as RFC 9110, 9.2.2 allows for GET.
func (f *Fetcher) Fetch(ctx context.Context, req crawler.Request) (*crawler.Page, error) {
	if req.Timeout <= 0 || req.BodyLimit <= 0 {
		return nil, fmt.Errorf("fetch %s: timeout %s and body limit %d must be more than 0", req.URL, req.Timeout, req.BodyLimit)
	}
	page := &crawler.Page{URL: req.URL}
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
func (f *Fetcher) ask(ctx context.Context, req crawler.Request, page *crawler.Page) error {
	d := startDeadline(ctx, req.Timeout)
	defer d.stop()
	reqCtx := d.ctx
	if req.PortOpen {
		reqCtx = withPortOpen(reqCtx)
	}
	transport, t := f.transport, (*tape)(nil)
	if req.Record {
		transport, t = f.tapped, f.newTape(req.BodyLimit)
		defer t.stop()
	}
	reqCtx, err := f.dialer.forward(reqCtx, req.URL)
	if err != nil {
		page.Fault = f.faultOf(err)
		return nil
	}
	out := newRequest(reqCtx, req, func(conn net.Conn) {
		page.Address, page.Proxy = peerOf(conn)
		if c, ok := conn.(*tap); ok && t != nil {
			t.start(c)
		}
	})
	secret := f.credentials(out, req)
	page.Started = time.Now()
	defer func() { page.Duration = time.Since(page.Started) }()
	resp, err := transport.RoundTrip(out)
	if err != nil {
		page.Fault, err = f.diagnose(d, err)
		return err
	}
	defer resp.Body.Close()
	if req.Jar != nil {
		req.Jar.SetCookies(cookieURL(req.URL), resp.Cookies())
	}
	if page.Fault = f.overlong(resp.Header); page.Fault != nil {
		d.stop()
		page.Status = resp.StatusCode
		return nil
	}
	a := f.answer(d, req, resp, page)
	if t != nil {
		defer func() { page.Recording.Request = masked(page.Recording.Request, secret) }()
		return a.readOnto(t)
	}
	return a.read()
}

// overlong is the fault of an answer with too many headers, of which none is
// kept; nil where they are fewer.
func (f *Fetcher) overlong(h http.Header) *crawler.Fault {
	lines := 0
	for _, values := range h {
		lines += len(values)
	}
	if lines <= f.cfg.MaxHeaders {
		return nil
	}
	text := fmt.Sprintf("the answer has %d header lines, at most %d are taken", lines, f.cfg.MaxHeaders)
	return &crawler.Fault{Kind: crawler.FaultProtocol, Text: text}
}
