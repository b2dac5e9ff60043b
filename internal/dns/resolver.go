package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/trawlcrawler/trawl/internal/activity"
)

// Bounds of a resolver's cache.
const (
	maxNames     = 16 << 10         // if there are more, the least recently used name is dropped
	maxAddresses = 16               // per name; more are left out
	systemLife   = time.Minute      // for answers of the system, which have no time to live
	shortestLife = 5 * time.Second  // at least, whatever the time to live
	longestLife  = time.Hour        // at most
	absentLife   = 30 * time.Second // for a name without an address
	troubledLife = 5 * time.Second  // for a name that could not be resolved
	lookupTime   = 10 * time.Second // for one lookup, however many callers wait for it
)

// Resolver resolves host names and caches the results: for their time to live, from 5s to
// 1h, if it asks name servers, and for 1m if it asks the system, which does not report a
// time to live. It caches for 30s that a name has no address, and for 5s that it could not
// be resolved. It caches at most 16,384 names. Concurrent lookups of a name are merged. A
// Resolver is safe for concurrent use.
type Resolver struct {
	ask     func(ctx context.Context, name string) (found, error)
	now     func() time.Time
	names   *names
	flights singleflight.Group
}

// found are the addresses of a name, at least one, in the order in which to try them, and
// how long they are valid.
type found struct {
	addresses []netip.Addr
	life      time.Duration
}

// NewResolver returns a resolver that asks the given name servers in order until one
// answers. Without servers, it asks the system.
func NewResolver(servers []netip.AddrPort) *Resolver {
	r := &Resolver{ask: askSystem, now: time.Now, names: newNames(maxNames)}
	if len(servers) > 0 {
		r.ask = nameServers(servers).ask
	}
	return r
}

// Lookup returns the addresses of a name in the order in which to try them. The address of
// an address is itself. The error is a [net.DNSError], or that of ctx.
func (r *Resolver) Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a}, nil
	}
	if known, ok := r.names.recall(name, r.now()); ok {
		return known.addresses, known.err
	}
	timer := activity.Of(ctx)
	timer.Enter(activity.DNS)
	defer timer.Leave(activity.DNS)
	flight := r.flights.DoChan(name, func() (any, error) { return r.look(ctx, name), nil })
	select {
	case landed := <-flight:
		known := landed.Val.(*known)
		return known.addresses, known.err
	case <-ctx.Done():
		return nil, &net.DNSError{Err: "no answer in time", Name: name, IsTimeout: true}
	}
}

// look resolves a name and caches the result. It continues if the caller's context ends,
// because others may be waiting for it.
func (r *Resolver) look(ctx context.Context, name string) *known {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
	defer cancel()
	answer, err := r.ask(ctx, name)
	k := &known{name: name, addresses: answer.addresses[:min(len(answer.addresses), maxAddresses)], err: err}
	life := min(max(answer.life, shortestLife), longestLife)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		life = absentLife
	case err != nil:
		life = troubledLife
	}
	k.until = r.now().Add(life)
	r.names.keep(k)
	return k
}

// askSystem asks the system, according to its hosts file and settings.
func askSystem(ctx context.Context, name string) (found, error) {
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return found{}, err
	}
	for i, a := range addresses {
		addresses[i] = a.Unmap()
	}
	return found{addresses, systemLife}, nil
}

// Forget drops what is known about a name, so that it is looked up again.
func (r *Resolver) Forget(name string) { r.names.forget(name) }

// Prefer puts an address of a name first, because a connection to it succeeded.
func (r *Resolver) Prefer(name string, a netip.Addr) { r.names.prefer(name, a) }
