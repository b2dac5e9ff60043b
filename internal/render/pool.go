package render

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Config says which browsers a pool has, and how much they may take. The zero value is a Chromium
// on PATH, with as many pages at once as memory and processors allow.
type Config struct {
	Browser      string        // a path, or the address of a remote one: ws, wss, http, https; "" is one on PATH
	MaxContexts  int           // pages at once; default one a 512 MiB of free memory, at most two a processor
	RecyclePages int           // a browser is replaced after this many pages; default 200
	RecycleBytes int64         // and when it takes this much memory; default 512 MiB, plus as much for each context
	PageBytes    int64         // a page whose process takes more is killed; default 1 GiB; on Linux, not for remote ones
	Patience     time.Duration // a browser that does not answer or close a page in time is given up; default a minute
	Dir          string        // where browsers keep their files while they run; default os.TempDir()
	Logger       *slog.Logger
}

const (
	perContext   = 512 << 20
	recyclePages = 200
	pageBytes    = 1 << 30
)

// withDefaults returns the configuration with defaults in its zero fields.
func (c Config) withDefaults() Config {
	if c.MaxContexts <= 0 {
		c.MaxContexts = 2 * runtime.NumCPU()
		if free := available(); free > 0 {
			c.MaxContexts = max(1, min(c.MaxContexts, int(free/perContext)))
		}
	}
	if c.RecyclePages <= 0 {
		c.RecyclePages = recyclePages
	}
	if c.RecycleBytes <= 0 {
		c.RecycleBytes = perContext * int64(c.MaxContexts+1)
	}
	if c.PageBytes <= 0 {
		c.PageBytes = pageBytes
	}
	if c.Patience <= 0 {
		c.Patience = startTime
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Pool renders pages. It has one browser at a time, and more only while an old one finishes its
// pages. It is safe for concurrent use.
type Pool struct {
	cfg    Config
	path   string        // or the address
	places chan struct{} // full when MaxContexts pages are being rendered

	starting chan struct{} // held while a browser is being started
	how      []isolation   // the ways left to try; once a browser has started, only the one that worked

	mu       sync.Mutex
	current  *browser
	browsers map[*browser]bool // those that have not ended
	started  int64             // how many were started so far
	closed   bool
	all      sync.WaitGroup // of their ends
}

// Open finds a browser and starts it, or connects to it, so that a wrong setting is reported at
// once. It also removes files that browsers of killed processes have left. The caller must Close
// the pool. The error is ErrNoBrowser if none is installed, and ErrBrowserLost if it does not
// answer.
func Open(ctx context.Context, cfg Config) (*Pool, error) {
	cfg = cfg.withDefaults()
	path, err := Find(cfg.Browser)
	if err != nil {
		return nil, err
	}
	if errLocal != nil && !remote(path) {
		return nil, errLocal
	}
	sweep(cfg.Dir)
	p := &Pool{
		cfg: cfg, path: path, places: make(chan struct{}, cfg.MaxContexts),
		starting: make(chan struct{}, 1), how: isolations(), browsers: map[*browser]bool{},
	}
	if _, err := p.browser(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// MaxContexts returns how many pages the pool renders at once.
func (p *Pool) MaxContexts() int { return p.cfg.MaxContexts }

// Browsers returns how many browsers run, and how many were started so far, or connected to.
func (p *Pool) Browsers() (running int, started int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.browsers), p.started
}

// Close ends the browsers. Pages that are being rendered fail with ErrBrowserLost.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.current = nil
	p.mu.Unlock()
	p.starting <- struct{}{} // a browser that starts now is told that the pool is closed
	defer func() { <-p.starting }()
	p.mu.Lock()
	all := slices.Collect(maps.Keys(p.browsers))
	p.mu.Unlock()
	for _, b := range all {
		b.retire()
		b.conn.end(ErrClosed)
	}
	p.all.Wait()
	return nil
}

// Render renders a page. It waits for a place while MaxContexts pages are being rendered. Its
// errors are a *LimitError, ErrCrashed, ErrBrowserLost, ErrClosed, or those of ctx.
func (p *Pool) Render(ctx context.Context, req Request) (*Result, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b, err := p.borrow(ctx)
	if err != nil {
		return nil, err
	}
	defer b.giveBack()
	return b.render(ctx, req)
}

// borrow returns a browser for one page, which must be given back.
func (p *Pool) borrow(ctx context.Context) (*browser, error) {
	for {
		b, err := p.browser(ctx)
		if err != nil {
			return nil, err
		}
		if b.take() {
			return b, nil
		}
		p.forget(b) // the browser was retired meanwhile
	}
}

// forget makes the next page start another browser.
func (p *Pool) forget(b *browser) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == b {
		p.current = nil
	}
}

// browser returns the current browser, and starts one if needed.
func (p *Pool) browser(ctx context.Context) (*browser, error) {
	select {
	case p.starting <- struct{}{}:
		defer func() { <-p.starting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	b, closed := p.current, p.closed
	p.mu.Unlock()
	switch {
	case closed:
		return nil, ErrClosed
	case b != nil:
		return b, nil
	}
	b, err := p.start(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed { // Close has not seen this browser
		b.retire()
		return nil, ErrClosed
	}
	p.current = b
	return b, nil
}

// start starts a browser in the best way that works, or connects to a remote one.
func (p *Pool) start(ctx context.Context) (*browser, error) {
	if remote(p.path) {
		w, err := dial(ctx, p.path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBrowserLost, err)
		}
		return p.greet(ctx, w, nil)
	}
	for {
		how := p.how[0]
		b, err := p.try(ctx, how)
		if err == nil {
			p.how = p.how[:1] // later failures have other causes than missing rights
			p.report(b, how)
			return b, nil
		}
		if len(p.how) == 1 || ctx.Err() != nil {
			return nil, err
		}
		p.cfg.Logger.Debug("a browser does not start isolated", "isolation", how.String(), "error", err)
		p.how = p.how[1:]
	}
}

// try starts a browser in one way.
func (p *Pool) try(ctx context.Context, how isolation) (*browser, error) {
	process, err := launch(ctx, p.path, p.cfg.Dir, how, p.cfg.PageBytes/2)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBrowserLost, err)
	}
	return p.greet(ctx, process.wire, process)
}

// report tells the operator how the browser runs.
func (p *Pool) report(b *browser, how isolation) {
	attrs := []any{"browser", p.path, "version", b.version, "isolation", how.String()}
	if !how.sandbox {
		p.cfg.Logger.Warn("the browser runs without its sandbox: run Trawl as a user that may create user namespaces", attrs...)
		return
	}
	p.cfg.Logger.Info("a browser started", attrs...)
}
