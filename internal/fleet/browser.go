package fleet

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/trawlcrawler/trawl/internal/render"
)

// browser is the browser of a worker. It starts with the first page that is rendered, because most
// workers never need it. It is safe for concurrent use.
type browser struct {
	cfg     render.Config
	opening chan struct{} // held by the page that opens the pool
	meters  *renderMeters // set before the first page

	mu   sync.Mutex
	pool *render.Pool // nil before the first page
	shut bool
}

// findBrowser returns the browser at a path or an address, or, for "", a Chromium on PATH. If none
// is on PATH, it returns nil, and the worker leaves jobs that render to others. A browser that is
// named but missing is an error.
func findBrowser(name string, log *slog.Logger) (*browser, error) {
	if _, err := render.Find(name); err != nil {
		if name == "" && errors.Is(err, render.ErrNoBrowser) {
			return nil, nil
		}
		return nil, err
	}
	return &browser{cfg: render.Config{Browser: name, Logger: log}, opening: make(chan struct{}, 1)}, nil
}

// Render implements [visit.Browser].
func (b *browser) Render(ctx context.Context, r render.Request) (*render.Result, error) {
	var result *render.Result
	pool, err := b.open(ctx)
	if err == nil {
		result, err = pool.Render(ctx, r)
	}
	b.meters.rendered(result, err)
	return result, err
}

// count returns how many browsers run, and how many were started so far. b may be nil.
func (b *browser) count() (running int, started int64) {
	if b == nil {
		return 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		return 0, 0
	}
	return b.pool.Browsers()
}

// open returns the pool, and opens it before the first page.
func (b *browser) open(ctx context.Context) (*render.Pool, error) {
	select {
	case b.opening <- struct{}{}:
		defer func() { <-b.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b.mu.Lock()
	pool, shut := b.pool, b.shut
	b.mu.Unlock()
	switch {
	case shut:
		return nil, render.ErrClosed
	case pool != nil:
		return pool, nil
	}
	pool, err := render.Open(ctx, b.cfg)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.pool, shut = pool, b.shut
	b.mu.Unlock()
	if shut {
		return nil, errors.Join(render.ErrClosed, pool.Close())
	}
	return pool, nil
}

// close ends the browser. No page is rendered after that.
func (b *browser) close() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	pool := b.pool
	b.shut = true
	b.mu.Unlock()
	if pool == nil {
		return nil
	}
	return pool.Close()
}
