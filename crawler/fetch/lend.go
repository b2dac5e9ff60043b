package fetch

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
)

// Lend returns a fetcher that may also connect to what is opened for one job. It shares
// memory, logins and the resolver with f, but no connection: what one job may reach is
// closed to the others. It never connects to a cloud's metadata service unless f may.
// The caller closes it.
func (f *Fetcher) Lend(o crawler.Opened) *Fetcher {
	g := newGuard(f.cfg)
	g.lent = o
	f.guard.hosts.Range(func(hostPort, named any) bool {
		g.hosts.Store(hostPort, named)
		return true
	})
	d := newDialer(f.cfg, g, f.access)
	lent := &Fetcher{
		cfg: f.cfg, guard: g, access: f.access, dialer: d,
		transport: newTransport(f.cfg, d), tapped: newTappedTransport(f.cfg, newDialer(f.cfg, g, f.access)),
		memory: f.memory, windows: f.windows, decoders: f.decoders, heads: f.heads,
	}
	lent.chunks.New = func() any { return new(chunk) }
	lent.keepers.New = func() any { return newKeeper(lent) }
	for _, h := range o.Hosts {
		lent.AllowLent(h)
	}
	return lent
}

// AllowLent opens where a host leads, at its port, as [Fetcher.Allow] does, but never a
// cloud's metadata service.
func (f *Fetcher) AllowLent(h crawler.Host) {
	if address, ok := h.Address(); ok && IsMetadata(address) {
		return
	}
	f.Allow(h)
}

// Allows reports whether a host was opened by its name.
func (f *Fetcher) Allows(h crawler.Host) bool { return f.guard.named(h) }

// Reaches returns nil if a host may be connected to at its port, or why it may not. A
// name that cannot be looked up is nothing that the guard refuses.
func (f *Fetcher) Reaches(ctx context.Context, h crawler.Host) error {
	if f.cfg.RemoteDNS(h) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.ConnectTimeout)
	defer cancel()
	var refused error
	for _, port := range portsOf(h) {
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
