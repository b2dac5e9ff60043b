package fetch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/singleflight"
)

// Bounds of what a resolver remembers.
const (
	mostNames     = 16 << 10         // beyond these, the name that was not asked for longest is forgotten
	mostAddresses = 16               // of a name; more are left out
	systemLife    = time.Minute      // of what the system says, which tells no time to live
	shortestLife  = 5 * time.Second  // of an address, whatever its time to live
	longestLife   = time.Hour        // the same
	absentLife    = 30 * time.Second // of a name that has no address
	troubledLife  = 5 * time.Second  // of a name that could not be looked up
	lookupTime    = 10 * time.Second // for one lookup, however many wait for it
)

// Resolver finds the addresses of host names, and remembers them for a while:
// for their time to live, from 5s to 1h, where it asks name servers, and for 1m
// where it asks the system, which does not tell. That a name has no address is
// remembered for 30s, that it could not be looked up for 5s. At most 16,384
// names are remembered. A name that many ask for at once is looked up once. It
// is safe for concurrent use.
type Resolver struct {
	ask     func(ctx context.Context, name string) (found, error)
	now     func() time.Time
	names   *names
	flights singleflight.Group
}

// found are the addresses of a name, at least one, in the order in which they
// are to be tried, and for how long they are good.
type found struct {
	addresses []netip.Addr
	life      time.Duration
}

// NewResolver returns a resolver that asks name servers, in their order until
// one answers; with none, one that asks the system.
func NewResolver(servers []netip.AddrPort) *Resolver {
	r := &Resolver{ask: askSystem, now: time.Now, names: newNames(mostNames)}
	if len(servers) > 0 {
		r.ask = nameServers(servers).ask
	}
	return r
}

// Lookup returns the addresses of a name, in the order in which they are to be
// tried. An address is its own. The error is a [net.DNSError], or that of ctx.
func (r *Resolver) Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a}, nil
	}
	if known, ok := r.names.recall(name, r.now()); ok {
		return known.addresses, known.err
	}
	flight := r.flights.DoChan(name, func() (any, error) { return r.look(ctx, name), nil })
	select {
	case landed := <-flight:
		known := landed.Val.(*known)
		return known.addresses, known.err
	case <-ctx.Done():
		return nil, &net.DNSError{Err: "no answer in time", Name: name, IsTimeout: true}
	}
}

// look asks for a name and remembers what was said. It goes on when the caller
// whose context it is has gone away: others may wait for it.
func (r *Resolver) look(ctx context.Context, name string) *known {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
	defer cancel()
	answer, err := r.ask(ctx, name)
	k := &known{name: name, addresses: answer.addresses[:min(len(answer.addresses), mostAddresses)], err: err}
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

// askSystem asks the system, as its hosts file and its settings have it.
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
