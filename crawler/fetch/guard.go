package fetch

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
)

// guard says which addresses and ports may be connected to. It is safe for
// concurrent use.
type guard struct {
	everything bool
	networks   []netip.Prefix
	ports      Ports
	lent       crawler.Opened // for one job, and never what leads to a cloud's metadata
	hosts      sync.Map       // as dialled: "name:port" -> *opening
}

func newGuard(cfg Config) *guard {
	g := &guard{everything: cfg.AllowPrivate, ports: cfg.Ports}
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
		g.hosts.LoadOrStore(net.JoinHostPort(h.Name(), port), new(opening))
	}
}

// named reports whether a host was opened by its name, at its port.
func (g *guard) named(h crawler.Host) bool {
	for _, port := range portsOf(h) {
		if g.opening(net.JoinHostPort(h.Name(), port)) == nil {
			return false
		}
	}
	return true
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

// opening returns what the operator opened by naming what is dialled; nil when he
// did not.
func (g *guard) opening(hostPort string) *opening {
	o, _ := g.hosts.Load(hostPort)
	named, _ := o.(*opening)
	return named
}

// judge returns why a port of a may not be connected to, or nil when it may.
// Port 0 stands for one that is open everywhere. named is what the host opens by
// its name; nil for nothing.
func (g *guard) judge(a netip.Addr, port int, named *opening) error {
	a = a.Unmap().WithZone("")
	opened := g.listed(a)
	if !opened {
		for _, face := range faces(a) {
			network, private := reservedAt(face)
			listed := g.listed(face)
			if private && !listed && !g.private(face) && !named.opens(face, network) {
				return &refusal{a, face, network}
			}
			opened = opened || listed || private
		}
	}
	if port != 0 && named == nil && !g.ports.open(port, opened) {
		return portRefusal(port)
	}
	return nil
}

// faces are the addresses that a stands for: itself, and those hidden in it.
func faces(a netip.Addr) []netip.Addr { return append([]netip.Addr{a}, hidden(a)...) }

// listed reports whether an address is in a network that the operator of the process
// opened, or the one of the job.
func (g *guard) listed(a netip.Addr) bool {
	return within(g.networks, a) || within(g.lent.Networks, a) && !IsMetadata(a)
}

// private reports whether all private addresses are open, and so a.
func (g *guard) private(a netip.Addr) bool {
	return g.everything || g.lent.Private && !IsMetadata(a)
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

// portRefusal is the error of a connection to a port that is not open.
type portRefusal int

func (p portRefusal) Error() string {
	return fmt.Sprintf("port %d is not among those that may be connected to: --ports %d opens it", p, p)
}
