package fetch

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"github.com/trawlcrawler/trawl/crawler"
)

// guard says which addresses may be connected to. It is safe for concurrent use.
type guard struct {
	everything bool
	networks   []netip.Prefix
	hosts      sync.Map // as dialled: "name:port" -> true
}

func newGuard(cfg Config) *guard {
	g := &guard{everything: cfg.AllowPrivate}
	for _, p := range cfg.AllowCIDR {
		g.networks = append(g.networks, unmapped(p))
	}
	for _, h := range cfg.AllowHosts {
		g.allow(h)
	}
	return g
}

// allow opens a host, at its port alone.
func (g *guard) allow(h crawler.Host) {
	for _, port := range portsOf(h) {
		g.hosts.Store(net.JoinHostPort(h.Name(), port), true)
	}
}

// unmapped writes a network of IPv4-mapped addresses as one of IPv4.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// portsOf returns the port of h, or those of both schemes.
func portsOf(h crawler.Host) []string {
	if port := h.Port(); port != "" {
		return []string{port}
	}
	return []string{"80", "443"}
}

// opens reports whether the operator opened what is dialled, whatever it
// resolves to.
func (g *guard) opens(hostPort string) bool {
	_, named := g.hosts.Load(hostPort)
	return g.everything || named
}

// control has the form of [net.Dialer.ControlContext]: it is asked for each
// address that a name resolved to, before a packet goes out.
func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %q: not an address", address)
	}
	if refusal := g.judge(at.Addr()); refusal != nil {
		return refusal
	}
	return nil
}

// judge returns why a may not be connected to, or nil when it may.
func (g *guard) judge(a netip.Addr) *refusal {
	a = a.Unmap().WithZone("")
	if g.everything || g.listed(a) {
		return nil
	}
	for _, face := range append([]netip.Addr{a}, hidden(a)...) {
		if network, ok := reservedAt(face); ok && !g.listed(face) {
			return &refusal{a, face, network}
		}
	}
	return nil
}

func (g *guard) listed(a netip.Addr) bool {
	for _, p := range g.networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// refusal is the error of a connection that the guard did not let happen.
type refusal struct {
	address netip.Addr // that was to be connected to
	face    netip.Addr // what it stands for; often itself
	network reserved   // that holds face
}

func (r *refusal) Error() string {
	what := r.address.String()
	if r.face != r.address {
		what += " leads to " + r.face.String() + ", which"
	}
	return fmt.Sprintf("%s is %s: --allow-cidr %s or --allow-private opens it", what, r.network.name, r.network.network)
}
