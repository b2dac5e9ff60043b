package fetch

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Lend returns a fetcher that may also connect to what is opened for one job. It shares
// memory, logins and the resolver with f, but no connections, because what one job may
// reach is closed to others. It never connects to a cloud's metadata service unless f may.
// The caller must close it.
func (f *Fetcher) Lend(o queue.Opened) *Fetcher {
	g := f.guard.Lend(o)
	d := newDialer(f.cfg, g, f.access)
	lent := &Fetcher{
		cfg: f.cfg, guard: g, access: f.access, dialer: d, transports: newTransports(f.cfg, g, f.access),
		wrapped: f.wrapped, signing: f.signing,
		memory: f.memory, windows: f.windows, decoders: f.decoders, heads: f.heads,
	}
	lent.chunks.New = func() any { return new(chunk) }
	lent.keepers.New = func() any { return newKeeper(lent) }
	for _, h := range o.Hosts {
		lent.AllowLent(h)
	}
	return lent
}

// AllowLent is [Fetcher.Allow], but never allows a cloud's metadata service.
func (f *Fetcher) AllowLent(h crawler.Host) {
	if address, ok := h.Address(); ok && guard.IsMetadata(address) {
		return
	}
	f.Allow(h)
}

// Allows reports whether a host was opened by name.
func (f *Fetcher) Allows(h crawler.Host) bool { return f.guard.Named(h) }

// Reaches returns nil if a host may be connected to at its port, and otherwise why not. It
// returns nil for a name that cannot be resolved, because the guard does not refuse it.
func (f *Fetcher) Reaches(ctx context.Context, h crawler.Host) error {
	if f.cfg.RemoteDNS(h) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.ConnectTimeout)
	defer cancel()
	var refused error
	for _, port := range guard.PortsOf(h) {
		if _, err := f.dialer.lookUp(ctx, h.Name(), port); err != nil {
			return nil
		}
		_, err := f.dialer.addresses(ctx, h.Name(), port)
		if err == nil {
			return nil
		}
		refused = err
	}
	return refused
}
