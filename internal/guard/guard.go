package guard

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Guard decides which addresses and ports may be connected to. It is safe for concurrent
// use.
type Guard struct {
	everything bool
	networks   []netip.Prefix
	ports      Ports
	words      Words
	lent       queue.Opened // opened for one job; never includes a cloud's metadata service
	hosts      sync.Map     // as dialed: "name:port" -> *opening
}

// Config is what the operator allows. The zero value allows the public internet.
type Config struct {
	AllowPrivate bool           // every address
	AllowHosts   []crawler.Host // at their ports, and what their names resolve to
	AllowCIDR    []netip.Prefix
	Ports        Ports
	Words        Words // default the flags of the command
}

// Words are the user's terms for the settings that open what a guard refuses.
type Words struct {
	Private string // the setting AllowPrivate, such as "--allow-private"
	CIDR    string // the setting AllowCIDR
	Ports   string // the setting Ports; "" where only a seed opens a port
}

// flags are the terms of the command.
var flags = Words{Private: "--allow-private", CIDR: "--allow-cidr", Ports: "--ports"}

// New returns a guard.
func New(cfg Config) *Guard {
	g := &Guard{everything: cfg.AllowPrivate, ports: cfg.Ports, words: cfg.Words}
	if g.words == (Words{}) {
		g.words = flags
	}
	for _, p := range cfg.AllowCIDR {
		g.networks = append(g.networks, unmapped(p))
	}
	for _, h := range cfg.AllowHosts {
		g.Allow(h)
	}
	return g
}

// Lend returns a guard that also allows what is opened for one job. It begins with the hosts
// that g has opened by name.
func (g *Guard) Lend(o queue.Opened) *Guard {
	lent := &Guard{everything: g.everything, networks: g.networks, ports: g.ports, words: g.words, lent: o}
	g.hosts.Range(func(hostPort, named any) bool {
		lent.hosts.Store(hostPort, named)
		return true
	})
	return lent
}

// Allow opens a host, only at its port.
func (g *Guard) Allow(h crawler.Host) {
	for _, port := range PortsOf(h) {
		g.hosts.LoadOrStore(net.JoinHostPort(h.Name(), port), new(opening))
	}
}

// Named reports whether a host was opened by name, at its port.
func (g *Guard) Named(h crawler.Host) bool {
	for _, port := range PortsOf(h) {
		if g.Opening(net.JoinHostPort(h.Name(), port)) == nil {
			return false
		}
	}
	return true
}

// unmapped converts a network of IPv4-mapped addresses to IPv4.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// PortsOf returns the port of h, or the default ports of both schemes.
func PortsOf(h crawler.Host) []string {
	if port := h.Port(); port != "" {
		return []string{port}
	}
	return []string{"80", "443"}
}

// Opening returns what the operator opened by naming the host; nil if the operator did not.
func (g *Guard) Opening(hostPort string) *opening {
	o, _ := g.hosts.Load(hostPort)
	named, _ := o.(*opening)
	return named
}

// Judge returns why port of a may not be connected to; nil if it may. Port 0 stands for a
// port that is open everywhere. named is what the host opens by its name; nil if nothing.
func (g *Guard) Judge(a netip.Addr, port int, named *opening) error {
	a = a.Unmap().WithZone("")
	opened := g.listed(a)
	if !opened {
		for _, face := range faces(a) {
			network, private := reservedAt(face)
			listed := g.listed(face)
			if private && !listed && !g.private(face) && !named.opens(face) {
				return &Refusal{a, face, network, g.words}
			}
			opened = opened || listed || private
		}
	}
	if port != 0 && named == nil && !g.ports.open(port, opened) {
		return PortRefusal{port, g.words}
	}
	return nil
}

// faces returns the addresses that a stands for: itself, and those hidden in it.
func faces(a netip.Addr) []netip.Addr { return append([]netip.Addr{a}, hidden(a)...) }

// listed reports whether an address is in a network that the operator opened for the
// process or for the job.
func (g *Guard) listed(a netip.Addr) bool {
	return within(g.networks, a) || within(g.lent.Networks, a) && !IsMetadata(a)
}

// private reports whether all private addresses are open, and so a.
func (g *Guard) private(a netip.Addr) bool {
	return g.everything || g.lent.Private && !IsMetadata(a)
}

// Refusal is the error of a connection that the guard refused. In the terms of the command, it
// reads "127.0.0.1 is a loopback address: --allow-cidr 127.0.0.0/8 or --allow-private opens it".
type Refusal struct {
	address netip.Addr // the target
	face    netip.Addr // the address that it stands for; often the same
	network reserved   // the network of face
	words   Words
}

func (r *Refusal) Error() string {
	what := r.address.String()
	if r.face != r.address {
		what += " leads to " + r.face.String() + ", which"
	}
	return fmt.Sprintf("%s is %s: %s %s or %s opens it", what, r.network.name, r.words.CIDR, r.network.network,
		r.words.Private)
}

// PortRefusal is the error of a connection to a port that is not open.
type PortRefusal struct {
	port  int
	words Words
}

func (p PortRefusal) Error() string {
	opens := fmt.Sprintf("%s %d", p.words.Ports, p.port)
	if p.words.Ports == "" {
		opens = "a seed at that port"
	}
	return fmt.Sprintf("port %d is not among those that may be connected to: %s opens it", p.port, opens)
}
